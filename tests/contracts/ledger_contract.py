"""What every ledger keeps to. A subclass gives the `ledger`; pytest runs the claims on it."""

from tests.contracts.claiming_contract import ClaimingContract
from tests.contracts.listing_contract import ListingContract
from tests.contracts.places_contract import PlacesContract
from tests.contracts.reading_contract import ReadingContract
from tests.contracts.removal_contract import RemovalContract
from tests.contracts.saving_contract import SavingContract


class LedgerContract(
    ClaimingContract, SavingContract, RemovalContract, ReadingContract, ListingContract, PlacesContract
):
    """All of it."""
