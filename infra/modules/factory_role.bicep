// The function app's permissions on existing data factories of one resource group: start, watch and cancel runs, and
// read pipelines.
param factoryNames array

@description('Principal id of the function app\'s identity.')
param principalId string

@description('Assign Data Factory Contributor, which allows far more, instead of our own role.')
param useBuiltInRole bool

// Names are made from ids in lower case: Azure's ids are the same in any letter case, guid() is not.
var groupId = toLower(resourceGroup().id)

// Data Factory Contributor
var builtInRole = '673868aa-7521-48a0-acc6-0f60742d39f5'
var runnerRoleName = guid(groupId, 'ADF Trigger')
var roleId = useBuiltInRole ? builtInRole : runnerRoleName

resource factories 'Microsoft.DataFactory/factories@2018-06-01' existing = [
  for factoryName in factoryNames: {
    name: factoryName
  }
]

// A query is a POST: it needs the action that starts it and the read of its result.
resource runnerRole 'Microsoft.Authorization/roleDefinitions@2022-04-01' = if (!useBuiltInRole) {
  name: runnerRoleName
  properties: {
    roleName: 'ADF Trigger (${uniqueString(groupId)})'
    description: 'Starts, watches and cancels pipeline runs, and changes nothing in the factory.'
    type: 'CustomRole'
    permissions: [
      {
        actions: [
          'Microsoft.DataFactory/factories/read'
          'Microsoft.DataFactory/factories/pipelines/read'
          'Microsoft.DataFactory/factories/pipelines/createrun/action'
          'Microsoft.DataFactory/factories/pipelineruns/read'
          'Microsoft.DataFactory/factories/pipelineruns/cancel/action'
          'Microsoft.DataFactory/factories/pipelineruns/queryactivityruns/action'
          'Microsoft.DataFactory/factories/pipelineruns/queryactivityruns/read'
          'Microsoft.DataFactory/factories/querypipelineruns/action'
          'Microsoft.DataFactory/factories/querypipelineruns/read'
        ]
        notActions: []
        dataActions: []
        notDataActions: []
      }
    ]
    assignableScopes: [
      resourceGroup().id
    ]
  }
}

resource assignments 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for (factoryName, index) in factoryNames: {
    name: guid(toLower(factories[index].id), principalId, roleId)
    scope: factories[index]
    dependsOn: [
      runnerRole
    ]
    properties: {
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roleId)
      principalId: principalId
      principalType: 'ServicePrincipal'
    }
  }
]

output assignmentIds array = [for (factoryName, index) in factoryNames: assignments[index].id]
output definitionId string = useBuiltInRole ? '' : runnerRole.id
