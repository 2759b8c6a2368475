// One deployment with everything that can be chosen; what it makes is in example.snapshot.json.
using '../../../infra/main.bicep'

param environmentName = 'example'
param location = 'westeurope'
param factoryId = ' /subscriptions/A0B1C2D3-0000-4000-8000-00000000005B/resourceGroups/RG-Data/providers/Microsoft.DataFactory/factories/ADF-Prod '
param otherFactories = {
  archive: '/subscriptions/a0b1c2d3-0000-4000-8000-00000000005b/resourcegroups/rg-data/providers/microsoft.datafactory/factories/adf-archive'
  lab: '/subscriptions/a0b1c2d3-0000-4000-8000-00000000005c/resourceGroups/rg-lab/providers/Microsoft.DataFactory/factories/adf-lab'
}
param senders = ['a0b1c2d3-0000-4000-8000-0000000000e1']
param consumers = ['a0b1c2d3-0000-4000-8000-0000000000e2']
param operators = ['a0b1c2d3-0000-4000-8000-0000000000e1', 'a0b1c2d3-0000-4000-8000-0000000000e3']
param settings = {
  ADF_TRIGGER_POLL_SCHEDULE: '*/30 * * * * *'
}
param maximumInstances = 1
param instanceMemory = 512
param httpConcurrency = 16
