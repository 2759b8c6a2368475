// The trigger service for existing data factories, as `azd up` deploys it: plain resources, no registry modules.
targetScope = 'subscription'

@minLength(1)
@maxLength(64)
@description('Name of the azd environment, from which every name and tag is derived.')
param environmentName string

@minLength(1)
@metadata({
  azd: {
    type: 'location'
  }
})
@description('Region of all resources. It must offer Flex Consumption.')
param location string

@minLength(1)
@description('Resource id of the existing data factory: /subscriptions/{id}/resourceGroups/{name}/providers/Microsoft.DataFactory/factories/{name}. It may be in another subscription of the tenant. Requests that name no factory use it, unless there are others.')
param factoryId string

@description('Further data factories: alias to resource id. Requests name the alias; that of factoryId is "default".')
param otherFactories object = {}

@description('Assign the built-in role Data Factory Contributor instead of the least-privilege role: for deployers who may assign roles but not define them. It lets the service change the factory, which it never does.')
param useBuiltInFactoryRole bool = false

@allowed([
  'Standard_LRS'
  'Standard_ZRS'
  'Standard_GRS'
  'Standard_GZRS'
])
@description('Redundancy of the storage account, and thus of every accepted request.')
param storageSku string = 'Standard_LRS'

@description('Object ids of the principals that may put messages on the requests queue.')
param senders array = []

@description('Object ids of the principals that may take messages off the events queue.')
param consumers array = []

@description('Queue of a route, as named in infra/routes.json, to the object ids of the principals that may take messages off it.')
param routeConsumers object = {}

@description('Object ids of the principals that may process and replay the rejected messages, and therefore read and write the ledger.')
param operators array = []

@secure()
@description('Further app settings, by name. A deployment replaces all settings and removes those added in the portal, which therefore belong here.')
param settings object = {}

@minValue(1)
@maxValue(1000)
@description('Maximum instances of each group that scales separately: HTTP, the requests queue, the poison queue. Data Factory throttles each principal, so more instances do not start more runs.')
param maximumInstances int = 10

@allowed([
  512
  2048
  4096
])
@description('Memory of an instance in MB. The timer keeps one instance busy for one of every 15 seconds, so less memory costs less.')
param instanceMemory int = 2048

@minValue(1)
@maxValue(1000)
@description('Concurrent HTTP requests of one instance, including those that wait for a run. Azure\'s own default for Python is 1. At most maxConcurrentRequests in host.json.')
param httpConcurrency int = 250

var resourceToken = toLower(uniqueString(subscription().id, environmentName, location))
var tags = {
  'azd-env-name': environmentName
}

var factories = map(items(union(otherFactories, { default: factoryId })), factory => {
  alias: factory.key
  id: trim(string(factory.value))
  // '', 'subscriptions', id, 'resourceGroups', name, 'providers', 'Microsoft.DataFactory', 'factories', name
  path: split(toLower(trim(string(factory.value))), '/')
})
var form = ['', 'subscriptions', 'resourcegroups', 'providers', 'microsoft.datafactory', 'factories']
var withNineSegments = filter(factories, factory => length(factory.path) == 9)
var wellFormed = filter(
  withNineSegments,
  factory => concat(take(factory.path, 2), [factory.path[3]], take(skip(factory.path, 5), 3)) == form
)
var named = filter(
  wellFormed,
  factory =>
    length(factory.path[2]) == 36 && !empty(factory.path[4]) && length(factory.path[8]) >= 3 && uriComponent(factory.path[8]) == factory.path[8]
)
var strangers = filter(factories, factory => !contains(map(named, known => known.alias), factory.alias))
var notAnId = 'is not the resource id of a data factory: /subscriptions/{id}/resourceGroups/{name}/providers/Microsoft.DataFactory/factories/{name}'
var distinctIds = union(map(factories, factory => toLower(factory.id)), [])
var factoryFaults = concat(
  map(strangers, factory => '${factory.alias == 'default' ? 'factoryId' : factory.alias}: "${factory.id}" ${notAnId}'),
  contains(otherFactories, 'default') ? ['otherFactories: "default" is the alias of factoryId'] : [],
  length(distinctIds) == length(factories) ? [] : ['otherFactories: one factory has two aliases']
)
var checkedFactories = empty(factoryFaults) ? factories : fail(join(factoryFaults, '; '))
var aliases = toObject(checkedFactories, factory => factory.alias, factory => factory.id)
var factoryGroups = union(map(checkedFactories, factory => '${factory.path[2]}/${factory.path[4]}'), [])

resource group 'Microsoft.Resources/resourceGroups@2025-04-01' = {
  name: 'rg-${environmentName}'
  location: location
  tags: tags
}

module identity 'modules/identity.bicep' = {
  name: 'identity'
  scope: group
  params: {
    name: 'id-${resourceToken}'
    location: location
    tags: tags
  }
}

module storage 'modules/storage.bicep' = {
  name: 'storage'
  scope: group
  params: {
    name: 'st${resourceToken}'
    location: location
    tags: tags
    sku: storageSku
    principalId: identity.outputs.principalId
  }
}

module access 'modules/access.bicep' = {
  name: 'access'
  scope: group
  params: {
    storageName: storage.outputs.name
    requestsQueue: storage.outputs.requestsQueue
    rejectedQueue: storage.outputs.rejectedQueue
    eventsQueue: storage.outputs.eventsQueue
    table: storage.outputs.table
    senders: senders
    consumers: consumers
    routeQueues: storage.outputs.routeQueues
    routeConsumers: routeConsumers
    operators: operators
  }
}

module monitoring 'modules/monitoring.bicep' = {
  name: 'monitoring'
  scope: group
  params: {
    resourceToken: resourceToken
    location: location
    tags: tags
    principalId: identity.outputs.principalId
  }
}

// One deployment for each resource group, since its factories share the definition of their role.
module factoryRole 'modules/factory_role.bicep' = [
  for factoryGroup in factoryGroups: {
    name: 'factory-role-${resourceToken}'
    scope: resourceGroup(split(factoryGroup, '/')[0], split(factoryGroup, '/')[1])
    params: {
      factoryNames: map(
        filter(checkedFactories, factory => '${factory.path[2]}/${factory.path[4]}' == factoryGroup),
        factory => factory.path[8]
      )
      principalId: identity.outputs.principalId
      useBuiltInRole: useBuiltInFactoryRole
    }
  }
]

module functionApp 'modules/function_app.bicep' = {
  name: 'function-app'
  scope: group
  // The app must be able to start runs as soon as it accepts requests.
  dependsOn: [
    factoryRole
  ]
  params: {
    resourceToken: resourceToken
    location: location
    tags: tags
    identityId: identity.outputs.id
    identityClientId: identity.outputs.clientId
    storageName: storage.outputs.name
    deploymentContainer: storage.outputs.deploymentContainer
    applicationInsightsName: monitoring.outputs.applicationInsightsName
    factories: length(checkedFactories) == 1 ? checkedFactories[0].id : string(aliases)
    requestsQueue: storage.outputs.requestsQueue
    rejectedQueue: storage.outputs.rejectedQueue
    eventsQueue: storage.outputs.eventsQueue
    table: storage.outputs.table
    moreSettings: settings
    maximumInstances: maximumInstances
    instanceMemory: instanceMemory
    httpConcurrency: httpConcurrency
  }
}

output AZURE_LOCATION string = location
output AZURE_TENANT_ID string = tenant().tenantId
output AZURE_RESOURCE_GROUP string = group.name
output AZURE_IDENTITY_PRINCIPAL_ID string = identity.outputs.principalId
output AZURE_STORAGE_ACCOUNT string = storage.outputs.name
output SERVICE_API_NAME string = functionApp.outputs.name
output SERVICE_API_URI string = functionApp.outputs.uri
output REQUESTS_QUEUE string = storage.outputs.requestsQueue
output REJECTED_QUEUE string = storage.outputs.rejectedQueue
output EVENTS_QUEUE string = storage.outputs.eventsQueue
// These remain in the factories' resource groups when everything else is deleted.
output FACTORY_ROLE_ASSIGNMENTS array = [
  for (factoryGroup, index) in factoryGroups: factoryRole[index].outputs.assignmentIds
]
output FACTORY_ROLE_DEFINITIONS array = [
  for (factoryGroup, index) in factoryGroups: factoryRole[index].outputs.definitionId
]
