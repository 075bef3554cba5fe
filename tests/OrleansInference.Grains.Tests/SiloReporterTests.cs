using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Reflection;

using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

using OrleansInference.Engine;
using OrleansInference.Engine.Devices;
using OrleansInference.Engine.Repository;
using OrleansInference.Grains.Models;

namespace OrleansInference.Grains.Tests;

public sealed class SiloReporterTests
{
    private static readonly ModelInstanceId Instance = new(new("numbers", 1), "tested.cpu:0");

    private static readonly EngineOptions Options = new() { SiloName = "tested" };

    private readonly ModelInstances _instances = new(Options);
    private readonly ScriptedCatalog _catalog = new();
    private readonly SiloReporter _reporter;

    public SiloReporterTests() => _reporter = new(
        ScriptedCatalog.Factory.Create(_catalog),
        new LocalSilo(),
        null!, // It is followed while the silo runs, and here none does.
        new ScriptedEngine([new Device("tested.cpu:0", DeviceKind.Cpu, 0, 1)], new()),
        new EmptyRepository(),
        _instances,
        new(),
        Options,
        new FakeTimeProvider(),
        NullLogger<SiloReporter>.Instance);

    [Fact]
    public async Task All_who_ask_while_a_report_is_being_sent_share_the_next_one()
    {
        var first = _reporter.ReportAsync();
        await _catalog.ReceivedAsync();

        var others = Enumerable.Range(0, 1000).Select(_ => _reporter.ReportAsync()).ToArray();
        _catalog.Answer.SetResult();
        await Task.WhenAll([first, .. others]);

        Assert.Equal(2, _catalog.Reports.Count);
    }

    [Fact]
    public async Task A_report_tells_what_happened_before_it_was_asked_for_also_where_another_was_being_sent()
    {
        var first = _reporter.ReportAsync();
        await _catalog.ReceivedAsync();
        _instances.Set(new(Instance, ModelState.Ready, ""), null, null);

        var second = _reporter.ReportAsync();

        Assert.False(second.IsCompleted);
        _catalog.Answer.SetResult();
        await Task.WhenAll(first, second);
        Assert.Equal([0, 1], _catalog.Reports.Select(report => report.Instances.Count));
    }

    private sealed class LocalSilo : ILocalSiloDetails
    {
        public string Name => Options.SiloName;

        public string ClusterId => "";

        public string DnsHostName => "";

        public SiloAddress SiloAddress => SiloAddress.Zero;

        public SiloAddress GatewayAddress => SiloAddress.Zero;
    }

    private sealed class EmptyRepository : IModelRepository
    {
        public IReadOnlyList<ModelPublication> Publications => [];

        public Task Changed { get; } = new TaskCompletionSource().Task;

        public ModelVersion? Find(ModelId id) => null;

        public IReadOnlyList<ModelPublication> Refresh(string model) => [];

        public Task<IReadOnlyList<ModelPublication>> OverrideAsync(string model, ModelOverride content, Func<ModelVersion, Task<string?>> verify) =>
            Task.FromResult<IReadOnlyList<ModelPublication>>([]);
    }

    /// <summary>Takes reports, and answers when the test lets it.</summary>
    private sealed class ScriptedCatalog : IModelCatalogGrain
    {
        private readonly SemaphoreSlim _received = new(0);

        public ConcurrentQueue<SiloReport> Reports { get; } = [];

        public TaskCompletionSource Answer { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        /// <summary>Waits until one more report is there.</summary>
        public Task ReceivedAsync() => _received.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);

        public Task ReportAsync(SiloReport report)
        {
            Reports.Enqueue(report);
            _received.Release();
            return Answer.Task;
        }

        public Task<CatalogSnapshot> WatchAsync(CatalogRevision? known, CancellationToken cancellationToken) => throw new NotSupportedException();

        public Task<CatalogSnapshot> LoadAsync(string model, ModelOverride? content, CancellationToken cancellationToken) => throw new NotSupportedException();

        public Task<CatalogSnapshot> UnloadAsync(string model, bool withDependents, CancellationToken cancellationToken) => throw new NotSupportedException();

        public Task<ClusterSnapshot> GetClusterAsync() => throw new NotSupportedException();

        public Task DrainAsync(string silo, CancellationToken cancellationToken) => throw new NotSupportedException();

        public Task<bool> IsDrainedAsync(string silo) => throw new NotSupportedException();

        public Task ResumeAsync(string silo, CancellationToken cancellationToken) => throw new NotSupportedException();

        /// <summary>Gives the catalog, whatever grain is asked for.</summary>
        [SuppressMessage("Performance", "CA1852:Seal internal types", Justification = "The proxy derives from it.")]
        public class Factory : DispatchProxy
        {
            private ScriptedCatalog _catalog = null!;

            internal static IGrainFactory Create(ScriptedCatalog catalog)
            {
                var factory = Create<IGrainFactory, Factory>();
                ((Factory)(object)factory)._catalog = catalog;
                return factory;
            }

            protected override object Invoke(MethodInfo? targetMethod, object?[]? args) => _catalog;
        }
    }
}
