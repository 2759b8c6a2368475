// Azurite keeps a table's entities in LokiJS, which has an index of PartitionKey and one of RowKey, and uses the one of the
// property that a query names first. Azurite names PartitionKey, so that each read and write of an entity passes over all
// of its partition: milliseconds, where it has some ten thousand. Asked the other way round, LokiJS gives the same entity.
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
