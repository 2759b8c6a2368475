// What the function app may do to one existing data factory: start, watch and cancel runs, and read what they run.
param factoryName string

@description('Principal id of the function app\'s identity.')
param principalId string

@description('Assign Data Factory Contributor, which allows far more, in the place of a role of our own.')
param useBuiltInRole bool

// Data Factory Contributor
var builtInRole = '673868aa-7521-48a0-acc6-0f60742d39f5'
var runnerRoleName = guid(resourceGroup().id, 'ADF Trigger')
var roleId = useBuiltInRole ? builtInRole : runnerRoleName

resource factory 'Microsoft.DataFactory/factories@2018-06-01' existing = {
  name: factoryName
}

// A query is a POST: it needs the action that starts it and the read of its result.
resource runnerRole 'Microsoft.Authorization/roleDefinitions@2022-04-01' = if (!useBuiltInRole) {
  name: runnerRoleName
  properties: {
    roleName: 'ADF Trigger (${uniqueString(resourceGroup().id)})'
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

resource assignment 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(factory.id, principalId, roleId)
  scope: factory
  dependsOn: [
    runnerRole
  ]
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roleId)
    principalId: principalId
    principalType: 'ServicePrincipal'
  }
}
