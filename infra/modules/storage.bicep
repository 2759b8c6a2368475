// The storage account: the app's package, the host's leases, the queues, and the run ledger's table.
param name string
param location string
param tags object
param sku string

@description('Principal id of the function app\'s identity.')
param principalId string

var deploymentContainerName = 'deployments'
var requestsQueueName = 'adf-run-requests'
var rejectedQueueName = 'adf-run-requests-rejected'
var eventsQueueName = 'adf-run-events'
var tableName = 'adfruns'
var queueNames = [
  requestsQueueName
  rejectedQueueName
  'adf-run-requests-poison'
  eventsQueueName
]
// Created here, so that roles on them can be assigned before there are events.
var routes = map(items(loadJsonContent('../routes.json')), route => route.value)
var routeQueueNames = union(map(filter(routes, route => contains(route, 'queue')), route => route.queue), [])

// Storage Blob Data Owner: the app's package, its keys, and the leases of its timer
var blobDataOwner = 'b7e6dc6d-f1e8-4753-8033-0f276bb0955b'
// Storage Queue Data Contributor: to read requests and to write events and rejected messages
var queueDataContributor = '974c5e8b-45b9-4653-ba55-5f855dd0fb88'
// Storage Table Data Contributor: the run ledger
var tableDataContributor = '0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3'
var roleIds = [
  blobDataOwner
  queueDataContributor
  tableDataContributor
]

resource account 'Microsoft.Storage/storageAccounts@2025-08-01' = {
  name: name
  location: location
  tags: tags
  kind: 'StorageV2'
  sku: {
    name: sku
  }
  properties: {
    allowSharedKeyAccess: false
    defaultToOAuthAuthentication: true
    allowBlobPublicAccess: false
    allowCrossTenantReplication: false
    minimumTlsVersion: 'TLS1_2'
    supportsHttpsTrafficOnly: true
    networkAcls: {
      defaultAction: 'Allow'
      bypass: 'AzureServices'
    }
  }
}

resource blobService 'Microsoft.Storage/storageAccounts/blobServices@2025-08-01' = {
  parent: account
  name: 'default'
}

resource deploymentContainer 'Microsoft.Storage/storageAccounts/blobServices/containers@2025-08-01' = {
  parent: blobService
  name: deploymentContainerName
  properties: {
    publicAccess: 'None'
  }
}

resource queueService 'Microsoft.Storage/storageAccounts/queueServices@2025-08-01' = {
  parent: account
  name: 'default'
}

resource queues 'Microsoft.Storage/storageAccounts/queueServices/queues@2025-08-01' = [
  for queueName in queueNames: {
    parent: queueService
    name: queueName
  }
]

resource routeQueues 'Microsoft.Storage/storageAccounts/queueServices/queues@2025-08-01' = [
  for queueName in routeQueueNames: {
    parent: queueService
    name: queueName
  }
]

resource tableService 'Microsoft.Storage/storageAccounts/tableServices@2025-08-01' = {
  parent: account
  name: 'default'
}

resource table 'Microsoft.Storage/storageAccounts/tableServices/tables@2025-08-01' = {
  parent: tableService
  name: tableName
}

resource roles 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for roleId in roleIds: {
    name: guid(account.id, principalId, roleId)
    scope: account
    properties: {
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roleId)
      principalId: principalId
      principalType: 'ServicePrincipal'
    }
  }
]

output name string = account.name
output deploymentContainer string = deploymentContainer.name
output requestsQueue string = requestsQueueName
output rejectedQueue string = rejectedQueueName
output eventsQueue string = eventsQueueName
output routeQueues array = routeQueueNames
output table string = table.name
