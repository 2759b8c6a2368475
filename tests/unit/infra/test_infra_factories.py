"""The factories of a deployment: checked, in any letter case, in any subscription, with their role first."""

import pytest

from tests.unit.infra.bicep_files import assigned_roles, given_to, loop_of, main, path_of, role_of, template

factory_role = template("modules/factory_role.bicep")


def test_ids_are_trimmed_and_compared_in_lower_case() -> None:
    """Spaces around an id are harmless, and its letter case does not matter."""
    text = main().text
    assert "id: trim(string(factory.value))" in text
    assert "path: split(toLower(trim(string(factory.value))), '/')" in text
    assert "union(map(factories, factory => toLower(factory.id)), [])" in text


def test_an_invalid_factory_id_fails_with_its_name_and_text() -> None:
    """Each id must have the nine segments of a factory's; the failure has the parameter and the text."""
    assert main().part("variables")["form"]["value"] == [
        "",
        "subscriptions",
        "resourcegroups",
        "providers",
        "microsoft.datafactory",
        "factories",
    ]
    text = main().text
    assert "length(factory.path) == 9" in text
    assert "take(factory.path, 2), [factory.path[3]], take(skip(factory.path, 5), 3)) == form" in text
    assert '"${factory.id}" ${notAnId}' in text
    assert "var checkedFactories = empty(factoryFaults) ? factories : fail(join(factoryFaults, '; '))" in text


@pytest.mark.parametrize(
    "use",
    [
        "var factoryGroups = union(map(checkedFactories,",
        "var aliases = toObject(checkedFactories,",
        "factoryNames: map( filter(checkedFactories,",
    ],
)
def test_unchecked_factories_are_not_used(use: str) -> None:
    """Roles and the app's setting are derived from the checked factories alone."""
    assert use in main().text


def test_the_app_gets_all_factories() -> None:
    """One factory by its id alone; several as a JSON object, alias to id."""
    assert (
        "factories: length(checkedFactories) == 1 ? checkedFactories[0].id : string(aliases)" in main().text
    )
    assert (
        template("modules/function_app.bicep").part("variables")["ownSettings"]["value"][
            "ADF_TRIGGER_FACTORIES"
        ]
        == "factories"
    )


def test_each_group_of_factories_has_one_deployment_in_its_own_subscription() -> None:
    """Factories of one group share the definition of their role; a group may be in another subscription."""
    module = main().part("modules")["factoryRole"]["config"]
    assert module["loop_type"]["detail"] == {"item_name": "factoryGroup", "array_name": "factoryGroups"}
    assert "scope: resourceGroup(split(factoryGroup, '/')[0], split(factoryGroup, '/')[1])" in main().text
    assert "'${factory.path[2]}/${factory.path[4]}' == factoryGroup" in main().text


def test_the_role_is_assigned_before_the_app_is_deployed() -> None:
    """Data Factory would reject a request before the role."""
    assert main().part("modules")["functionApp"]["config"]["dependsOn"] == ["factoryRole"]


def test_the_role_is_assigned_on_existing_factories_alone() -> None:
    """The factories are referenced, not created, and the role is assigned on them, under lower-case names."""
    assert factory_role.part("resources")["factories"]["existing"] is True
    assert loop_of(factory_role, "factories")["array_name"] == "factoryNames"
    (role,) = assigned_roles(factory_role)
    assert role_of(role) == "roleId"
    assert role["dependsOn"] == ["runnerRole"]
    text = factory_role.text
    assert "name: guid(toLower(factories[index].id), principalId, roleId) scope: factories[index]" in text
    assert factory_role.part("variables")["groupId"]["value"]["function"]["type"] == "to_lower"
    assert "guid(groupId, 'ADF Trigger')" in text
    assert "uniqueString(groupId)" in text
    assert role["properties"]["principalType"] == "ServicePrincipal"
    assert path_of(given_to("factoryRole")["principalId"]) == ["identity", "outputs", "principalId"]


def test_the_outputs_list_what_azd_down_leaves() -> None:
    """Assignments and definitions in the factories' groups are not deleted by `azd down`."""
    outputs = main().part("outputs")
    assert {"FACTORY_ROLE_ASSIGNMENTS", "FACTORY_ROLE_DEFINITIONS"} <= set(outputs)
    assert set(factory_role.part("outputs")) == {"assignmentIds", "definitionId"}
