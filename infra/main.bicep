// The trigger service for one existing data factory, as `azd up` deploys it: plain resources, no registry modules.
targetScope = 'subscription'

@minLength(1)
@maxLength(64)
@description('Name of the azd environment; every name and tag is made from it.')
param environmentName string

@minLength(1)
@metadata({
  azd: {
    type: 'location'
  }
})
@description('Region of everything that is made. It must offer Flex Consumption.')
param location string

@minLength(1)
@description('Resource id of the existing data factory: /subscriptions/{id}/resourceGroups/{name}/providers/Microsoft.DataFactory/factories/{name}. It may be in another subscription of the tenant.')
param factoryId string

@description('Assign the built-in role Data Factory Contributor in the place of the least-privilege role: for deployers who may assign roles but not define them. It lets the service change the factory, which it never does.')
param useBuiltInFactoryRole bool = false

@allowed([
  'Standard_LRS'
  'Standard_ZRS'
  'Standard_GRS'
  'Standard_GZRS'
])
@description('How the storage account, and so every accepted request, is kept.')
param storageSku string = 'Standard_LRS'

var resourceToken = toLower(uniqueString(subscription().id, environmentName, location))
var tags = {
  'azd-env-name': environmentName
}
// '', 'subscriptions', id, 'resourceGroups', name, 'providers', 'Microsoft.DataFactory', 'factories', name
var factoryPath = split(factoryId, '/')

resource group 'Microsoft.Resources/resourceGroups@2024-03-01' = {
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

module factoryRole 'modules/factory_role.bicep' = {
  name: 'factory-role-${resourceToken}'
  scope: resourceGroup(factoryPath[2], factoryPath[4])
  params: {
    factoryName: factoryPath[8]
    principalId: identity.outputs.principalId
    useBuiltInRole: useBuiltInFactoryRole
  }
}

module functionApp 'modules/function_app.bicep' = {
  name: 'function-app'
  scope: group
  params: {
    resourceToken: resourceToken
    location: location
    tags: tags
    identityId: identity.outputs.id
    identityClientId: identity.outputs.clientId
    storageName: storage.outputs.name
    deploymentContainer: storage.outputs.deploymentContainer
    applicationInsightsName: monitoring.outputs.applicationInsightsName
    factoryId: factoryId
    requestsQueue: storage.outputs.requestsQueue
    rejectedQueue: storage.outputs.rejectedQueue
    eventsQueue: storage.outputs.eventsQueue
    table: storage.outputs.table
  }
}

output AZURE_LOCATION string = location
output AZURE_TENANT_ID string = tenant().tenantId
output AZURE_RESOURCE_GROUP string = group.name
output AZURE_STORAGE_ACCOUNT string = storage.outputs.name
output SERVICE_API_NAME string = functionApp.outputs.name
output SERVICE_API_URI string = functionApp.outputs.uri
output REQUESTS_QUEUE string = storage.outputs.requestsQueue
output REJECTED_QUEUE string = storage.outputs.rejectedQueue
output EVENTS_QUEUE string = storage.outputs.eventsQueue
