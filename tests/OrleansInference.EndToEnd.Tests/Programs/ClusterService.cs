using OrleansInference.EndToEnd.Tests.Models;
using OrleansInference.EndToEnd.Tests.Protocol;

namespace OrleansInference.EndToEnd.Tests.Programs;

/// <summary>
/// Two silos with a device each and a front end of them. Both have the models of one repository; what is slow is split among them: while
/// <c>slow_far</c> keeps the second silo's device busy, the first one's is free for everything else.
/// </summary>
public sealed class ClusterService : IAsyncLifetime
{
    private readonly TemporaryFolder _root = new();
    private Service? _silo;
    private ChildProgram? _second;
    private Service? _frontEnd;

    internal Service Silo => _silo ?? throw new InvalidOperationException("The silo has not been started.");

    internal Service FrontEnd => _frontEnd ?? throw new InvalidOperationException("The front end has not been started.");

    public async ValueTask InitializeAsync()
    {
        var (near, far) = (_root.Create("near"), _root.Create("far"));
        foreach (var repository in new[] { near, far }) TestModels.AddLinear(repository, "twice", "2");
        // What a row comes back with tells which silo has answered it.
        TestModels.AddLinear(near, "here", "1", "0.25");
        TestModels.AddLinear(far, "here", "1", "0.75");
        TestModels.AddSlow(far, "slow_far");
        TestModels.AddSlow(near, "slow_near");
        TestModels.AddLinear(near, "plus_one", "1", "1");
        TestModels.AddLinear(near, "triple", "3");
        TestModels.AddLinear(near, "not_a_number", "0", "float(\"nan\")");
        TestModels.AddPicky(near);
        foreach (var version in new[] { 1, 2, 3 }) TestModels.AddLinear(near, "canary", "1", $"{version}", $"{version}", Routing);
        AddEnsembles(near);
        _silo = await Service.StartSiloAsync(near);
        _second = Service.StartSecondSilo(_silo, "second", far);
        _frontEnd = await Service.StartFrontEndAsync(_silo.Gateway);
        foreach (var service in new[] { _silo, _frontEnd }) await WaitForSecondAsync(service.Api);
    }

    public async ValueTask DisposeAsync()
    {
        if (_frontEnd is not null) await _frontEnd.DisposeAsync();
        if (_second is not null) await _second.StopAsync();
        if (_silo is not null) await _silo.DisposeAsync();
        _root.Dispose();
    }

    private const string Routing =
        """
        "version_policy": { "all": {} },
        "routing": {
          "versions": [ { "version": 2, "weight": 95 }, { "version": 3, "weight": 5 } ],
          "shadow": { "version": 1, "fraction": 0.1 },
          "sticky": { "parameter": "user" }
        }
        """;

    private static void AddEnsembles(string repository)
    {
        Add("mean_of_three", """ "members": [{ "model_name": "twice" }, { "model_name": "plus_one" }, { "model_name": "triple" }], "aggregate": "mean" """);
        Add("with_stragglers", """
            "members": [{ "model_name": "plus_one" }, { "model_name": "triple" }, { "model_name": "slow_far" }, { "model_name": "picky" }],
            "aggregate": "mean", "require": "quorum(2)", "deadline_milliseconds": 1000
            """);
        Add("fastest", """ "members": [{ "model_name": "slow_far" }, { "model_name": "plus_one" }], "aggregate": "first" """);
        Add("with_nan", """ "members": [{ "model_name": "twice" }, { "model_name": "not_a_number" }], "aggregate": "mean" """);
        Add("without_one", """ "members": [{ "model_name": "twice" }, { "model_name": "no_such_model" }], "aggregate": "mean", "require": "any" """);
        Add("without_any", """ "members": [{ "model_name": "twice" }, { "model_name": "no_such_model" }], "aggregate": "mean" """);
        TestModels.AddEnsemble(repository, "diamond", """
            "ensemble_scheduling": { "step": [
              { "model_name": "twice", "input_map": { "INPUT0": "INPUT0" }, "output_map": { "OUTPUT0": "top" } },
              { "model_name": "slow_near", "input_map": { "INPUT0": "top" }, "output_map": { "OUTPUT0": "left" } },
              { "model_name": "slow_far", "input_map": { "INPUT0": "top" }, "output_map": { "OUTPUT0": "right" } },
              { "model_name": "sum", "input_map": { "A": "left", "B": "right" }, "output_map": { "SUM": "OUTPUT0" } }
            ] }
            """);
        TestModels.AddSum(repository, "sum");

        void Add(string name, string section) => TestModels.AddEnsemble(repository, name, $$""" "ensemble": { {{section}} } """);
    }

    private static Task WaitForSecondAsync(InferenceApi api) => Poll.UntilAsync(
        async () => (await api.GetAsync("/v2/models/slow_far/ready")).Status == System.Net.HttpStatusCode.OK &&
            (await api.GetAsync("/v2/models/diamond/ready")).Status == System.Net.HttpStatusCode.OK &&
            (await api.GetAsync("/v2/health/ready")).Status == System.Net.HttpStatusCode.OK,
        "the models of both silos are ready");
}
