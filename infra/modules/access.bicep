// Access of other principals to the storage account, which accepts no keys: each only to its own queue.
param storageName string
param requestsQueue string
param rejectedQueue string
param eventsQueue string
param table string

@description('The queues of routes.')
param routeQueues array

@description('Object ids of the principals that put requests on their queue.')
param senders array

@description('Object ids of the principals that read the events.')
param consumers array

@description('Queue of a route to the object ids of the principals that read it.')
param routeConsumers object

@description('Object ids of the principals that process the rejected messages, in their queue and in the ledger.')
param operators array

// Storage Queue Data Message Sender: to put messages, and nothing else
var messageSender = 'c6a89b2d-59bc-44d0-9896-0f6e12d7b80a'
// Storage Queue Data Message Processor: to peek, get and delete messages
var messageProcessor = '8a0f0c08-91a1-4084-bc3d-661d67233fed'
// Storage Queue Data Contributor: also to make received messages visible again
var queueDataContributor = '974c5e8b-45b9-4653-ba55-5f855dd0fb88'
// Storage Table Data Contributor: rejected messages are rows of the ledger, which a replay removes
var tableDataContributor = '0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3'

// Each once. An operator sends messages of the rejected queue again.
var allSenders = union(senders, operators)
var allConsumers = union(consumers, [])
var allOperators = union(operators, [])
var readersByQueue = map(items(routeConsumers), queue => map(union(queue.value, []), principalId => { queue: queue.key, principalId: principalId }))
var noRoutes = filter(objectKeys(routeConsumers), queue => !contains(routeQueues, queue))
var noRoute = 'routeConsumers: routes.json has no route to the queue ${join(noRoutes, ', ')}'
var routeReaders = empty(noRoutes) ? flatten(readersByQueue) : fail(noRoute)

resource account 'Microsoft.Storage/storageAccounts@2025-08-01' existing = {
  name: storageName
}

resource queueService 'Microsoft.Storage/storageAccounts/queueServices@2025-08-01' existing = {
  parent: account
  name: 'default'
}

resource requests 'Microsoft.Storage/storageAccounts/queueServices/queues@2025-08-01' existing = {
  parent: queueService
  name: requestsQueue
}

resource rejected 'Microsoft.Storage/storageAccounts/queueServices/queues@2025-08-01' existing = {
  parent: queueService
  name: rejectedQueue
}

resource events 'Microsoft.Storage/storageAccounts/queueServices/queues@2025-08-01' existing = {
  parent: queueService
  name: eventsQueue
}

resource tableService 'Microsoft.Storage/storageAccounts/tableServices@2025-08-01' existing = {
  parent: account
  name: 'default'
}

resource ledger 'Microsoft.Storage/storageAccounts/tableServices/tables@2025-08-01' existing = {
  parent: tableService
  name: table
}

resource sending 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for principalId in allSenders: {
    name: guid(requests.id, principalId, messageSender)
    scope: requests
    properties: {
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', messageSender)
      principalId: principalId
    }
  }
]

resource consuming 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for principalId in allConsumers: {
    name: guid(events.id, principalId, messageProcessor)
    scope: events
    properties: {
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', messageProcessor)
      principalId: principalId
    }
  }
]

resource routed 'Microsoft.Storage/storageAccounts/queueServices/queues@2025-08-01' existing = [
  for reader in routeReaders: {
    parent: queueService
    name: reader.queue
  }
]

resource consumingRouted 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for (reader, index) in routeReaders: {
    name: guid(routed[index].id, reader.principalId, messageProcessor)
    scope: routed[index]
    properties: {
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', messageProcessor)
      principalId: reader.principalId
    }
  }
]

resource operating 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for principalId in allOperators: {
    name: guid(rejected.id, principalId, queueDataContributor)
    scope: rejected
    properties: {
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', queueDataContributor)
      principalId: principalId
    }
  }
]

resource keeping 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for principalId in allOperators: {
    name: guid(ledger.id, principalId, tableDataContributor)
    scope: ledger
    properties: {
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', tableDataContributor)
      principalId: principalId
    }
  }
]
