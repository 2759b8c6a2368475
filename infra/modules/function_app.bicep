// The function app on Flex Consumption. It has no secrets, since every connection uses its identity.
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

@description('One factory\'s resource id, or a JSON object alias to resource id.')
param factories string

param requestsQueue string
param rejectedQueue string
param eventsQueue string
param table string

@secure()
@description('Further app settings, by name.')
param moreSettings object

@description('Maximum instances of each group that scales separately.')
param maximumInstances int

@description('Memory of an instance in MB.')
param instanceMemory int

@description('Concurrent HTTP requests of one instance.')
param httpConcurrency int

var host = loadJsonContent('../../host.json')
// The policies of pipelines: the setting ADF_TRIGGER_POLICY.
var policy = loadJsonContent('../policy.json')
// The events that start pipelines, in Data Factory's own format of trigger definitions: ADF_TRIGGER_TRIGGERS.
var triggers = loadJsonContent('../triggers.json')
// Further destinations of events: ADF_TRIGGER_ROUTES. It names the settings with URLs and secrets, and contains none.
var routes = loadJsonContent('../routes.json')

var mostRequests = host.extensions.http.maxConcurrentRequests
var overHost = 'httpConcurrency: ${httpConcurrency} is over maxConcurrentRequests in host.json, ${mostRequests}'
var concurrency = httpConcurrency <= mostRequests ? httpConcurrency : fail(overHost)
// One thread for each message that an instance handles concurrently. HTTP functions are async, and have their own threads.
var threads = host.extensions.queues.batchSize + host.extensions.queues.newBatchThreshold

// The service's names of Azure's clouds.
var clouds = {
  AzureCloud: 'public'
  AzureUSGovernment: 'us-government'
  AzureChinaCloud: 'china'
}

resource storage 'Microsoft.Storage/storageAccounts@2025-08-01' existing = {
  name: storageName
}

resource applicationInsights 'Microsoft.Insights/components@2020-02-02' existing = {
  name: applicationInsightsName
}

resource plan 'Microsoft.Web/serverfarms@2025-03-01' = {
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

resource app 'Microsoft.Web/sites@2025-03-01' = {
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
    keyVaultReferenceIdentity: identityId
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
      scaleAndConcurrency: {
        instanceMemoryMB: instanceMemory
        maximumInstanceCount: maximumInstances
        // The platform does not read this from host.json; without it Python apps get one request per instance.
        triggers: {
          http: {
            perInstanceConcurrency: concurrency
          }
        }
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

// Deployments sign in with Entra ID; publishing passwords are disabled.
resource ftp 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2025-03-01' = {
  parent: app
  name: 'ftp'
  properties: {
    allow: false
  }
}

resource scm 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2025-03-01' = {
  parent: app
  name: 'scm'
  properties: {
    allow: false
  }
}

var ownSettings = {
  AzureWebJobsStorage__blobServiceUri: storage.properties.primaryEndpoints.blob
  AzureWebJobsStorage__queueServiceUri: storage.properties.primaryEndpoints.queue
  AzureWebJobsStorage__tableServiceUri: storage.properties.primaryEndpoints.table
  // The URIs above take precedence; without an account name the host occasionally fails to start:
  // https://github.com/Azure/azure-functions-host/issues/11787
  AzureWebJobsStorage__accountName: storage.name
  AzureWebJobsStorage__credential: 'managedidentity'
  AzureWebJobsStorage__clientId: identityClientId
  APPLICATIONINSIGHTS_CONNECTION_STRING: applicationInsights.properties.ConnectionString
  APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${identityClientId};Authorization=AAD'
  PYTHON_THREADPOOL_THREAD_COUNT: string(threads)
  AZURE_CLIENT_ID: identityClientId
  ADF_TRIGGER_FACTORIES: factories
  ADF_TRIGGER_CREDENTIAL: 'managed-identity'
  ADF_TRIGGER_CLOUD: clouds[environment().name]
  ADF_TRIGGER_REQUESTS_QUEUE: requestsQueue
  ADF_TRIGGER_REJECTED_QUEUE: rejectedQueue
  ADF_TRIGGER_EVENTS_QUEUE: eventsQueue
  ADF_TRIGGER_TABLE: table
}
var fileSettings = union(
  empty(policy) ? {} : { ADF_TRIGGER_POLICY: string(policy) },
  empty(triggers) ? {} : { ADF_TRIGGER_TRIGGERS: string(triggers) },
  empty(routes) ? {} : { ADF_TRIGGER_ROUTES: string(routes) }
)
var namesOfOurs = map(objectKeys(union(ownSettings, fileSettings)), name => toLower(name))
var overridden = filter(objectKeys(moreSettings), name => contains(namesOfOurs, toLower(name)))

var overriding = 'settings: the deployment itself sets ${join(overridden, ', ')}'
var allSettings = union(moreSettings, ownSettings, fileSettings)

// A deployment replaces all settings: others are removed.
resource settings 'Microsoft.Web/sites/config@2025-03-01' = {
  parent: app
  name: 'appsettings'
  // One change of a site at a time.
  dependsOn: [
    ftp
    scm
  ]
  properties: empty(overridden) ? allSettings : fail(overriding)
}

output name string = app.name
output uri string = 'https://${app.properties.defaultHostName}/api'
