// The function app on Flex Consumption. It holds nothing secret, since every connection is by its identity.
param resourceToken string
param location string
param tags object

@description('Resource id of the app\'s user-assigned identity.')
param identityId string

@description('Client id of the same identity.')
param identityClientId string

param storageName string
param deploymentContainer string
param applicationInsightsName string

@description('Resource id of the data factory.')
param factoryId string

param requestsQueue string
param rejectedQueue string
param eventsQueue string
param table string

// The names that the service has for Azure's clouds.
var clouds = {
  AzureCloud: 'public'
  AzureUSGovernment: 'us-government'
  AzureChinaCloud: 'china'
}

resource storage 'Microsoft.Storage/storageAccounts@2024-01-01' existing = {
  name: storageName
}

resource applicationInsights 'Microsoft.Insights/components@2020-02-02' existing = {
  name: applicationInsightsName
}

resource plan 'Microsoft.Web/serverfarms@2024-04-01' = {
  name: 'plan-${resourceToken}'
  location: location
  tags: tags
  kind: 'functionapp'
  sku: {
    name: 'FC1'
    tier: 'FlexConsumption'
  }
  properties: {
    reserved: true
  }
}

resource app 'Microsoft.Web/sites@2024-04-01' = {
  name: 'func-${resourceToken}'
  location: location
  tags: union(tags, {
    'azd-service-name': 'api'
  })
  kind: 'functionapp,linux'
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: {
      '${identityId}': {}
    }
  }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    functionAppConfig: {
      deployment: {
        storage: {
          type: 'blobContainer'
          value: '${storage.properties.primaryEndpoints.blob}${deploymentContainer}'
          authentication: {
            type: 'UserAssignedIdentity'
            userAssignedIdentityResourceId: identityId
          }
        }
      }
      // Data Factory throttles each principal, so more instances than the least would start no more runs.
      scaleAndConcurrency: {
        instanceMemoryMB: 2048
        maximumInstanceCount: 40
      }
      runtime: {
        name: 'python'
        version: '3.12'
      }
    }
    siteConfig: {
      minTlsVersion: '1.2'
    }
  }
}

// Deployments sign in by Entra ID; publishing passwords are not taken.
resource publishing 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2024-04-01' = [for name in ['ftp', 'scm']: {
  parent: app
  name: name
  properties: {
    allow: false
  }
}]

resource settings 'Microsoft.Web/sites/config@2024-04-01' = {
  parent: app
  name: 'appsettings'
  properties: {
    AzureWebJobsStorage__blobServiceUri: storage.properties.primaryEndpoints.blob
    AzureWebJobsStorage__queueServiceUri: storage.properties.primaryEndpoints.queue
    AzureWebJobsStorage__tableServiceUri: storage.properties.primaryEndpoints.table
    AzureWebJobsStorage__credential: 'managedidentity'
    AzureWebJobsStorage__clientId: identityClientId
    APPLICATIONINSIGHTS_CONNECTION_STRING: applicationInsights.properties.ConnectionString
    APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${identityClientId};Authorization=AAD'
    // One thread for each message and request that host.json lets in at once.
    PYTHON_THREADPOOL_THREAD_COUNT: '32'
    AZURE_CLIENT_ID: identityClientId
    ADF_TRIGGER_FACTORIES: factoryId
    ADF_TRIGGER_CREDENTIAL: 'managed-identity'
    ADF_TRIGGER_CLOUD: clouds[environment().name]
    ADF_TRIGGER_REQUESTS_QUEUE: requestsQueue
    ADF_TRIGGER_REJECTED_QUEUE: rejectedQueue
    ADF_TRIGGER_EVENTS_QUEUE: eventsQueue
    ADF_TRIGGER_TABLE: table
  }
}

output name string = app.name
output uri string = 'https://${app.properties.defaultHostName}/api'
