// Azurite keeps a table's entities in LokiJS, which indexes PartitionKey and RowKey, and uses the index of the property
// that a query names first. Azurite names PartitionKey first, so that each read and write of an entity scans its whole
// partition, which takes milliseconds at ten thousand entities. With RowKey first, LokiJS returns the same entity.
"use strict";

const lokijs = require.resolve("lokijs", { paths: [process.argv[1]] });
const { Collection } = require(lokijs);
const findOne = Collection.prototype.findOne;

Collection.prototype.findOne = function (query) {
  if (query && "PartitionKey" in query && "RowKey" in query) {
    const { PartitionKey, RowKey, ...others } = query;
    return findOne.call(this, { RowKey, PartitionKey, ...others });
  }
  return findOne.call(this, query);
};
