using OrleansInference.EndToEnd.Tests.Programs;

// One service at a time: the tests measure queues, batches and times of a machine that they would otherwise share.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
[assembly: AssemblyFixture(typeof(SharedService))]
