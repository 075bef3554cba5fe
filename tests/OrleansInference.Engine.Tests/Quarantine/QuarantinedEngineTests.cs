using Microsoft.Extensions.Logging.Abstractions;

using OrleansInference.Engine.Batching;
using OrleansInference.Engine.Devices;
using OrleansInference.Engine.Quarantine;
using OrleansInference.Engine.Repository;
using OrleansInference.Engine.Verification;
using OrleansInference.Tensors;

namespace OrleansInference.Engine.Tests.Quarantine;

public sealed class QuarantinedEngineTests : IDisposable
{
    private readonly QuarantineFolder _folder = new();
    private readonly ScriptedRuntime _script = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_model_in_quarantine_is_not_even_verified_until_it_is_released()
    {
        var model = _folder.Add("model");
        _folder.End((model, RunPhase.Load));
        using var quarantine = _folder.Start();
        await using var engine = Start(quarantine);

        var refusal = await Assert.ThrowsAsync<InferenceException>(() => engine.LoadAsync(model, QuarantineFolder.First.Name, leave: null, default));
        Assert.Equal((InferenceError.NotReady, quarantine.FindReason(model)), (refusal.Error, refusal.Message));
        Assert.Equal((0, 0), (_script.Verified, _script.Loaded));

        engine.Release(model);
        await using var loaded = await engine.LoadAsync(model, QuarantineFolder.First.Name, leave: null, default);
        Assert.Equal((1, 1), (_script.Verified, _script.Loaded));
    }

    [Fact]
    public async Task What_loads_runs_and_leaves_is_not_on_record_any_more()
    {
        var model = _folder.Add("model");
        using (var quarantine = _folder.Start())
        await using (var engine = Start(quarantine))
        {
            await using (var loaded = await engine.LoadAsync(model, QuarantineFolder.First.Name, leave: null, default))
                await loaded.InferAsync(new() { Model = "model", Inputs = [InferenceTensor.Create("x", new float[1], 1)] }, default);
            _script.Fault = "it cannot be loaded";
            await Assert.ThrowsAsync<InferenceException>(() => engine.LoadAsync(_folder.Add("other"), QuarantineFolder.Second.Name, leave: null, default));
        }

        Assert.Null(_folder.Refusal(model));
        Assert.Empty(_folder.Messages);
    }

    private InferenceEngine Start(ModelQuarantine quarantine) => new(
        [QuarantineFolder.First, QuarantineFolder.Second], _script, _script, quarantine, new(), TimeProvider.System, NullLogger<InferenceEngine>.Instance);

    private sealed class ScriptedRuntime : IModelRuntime, IModelVerifier
    {
        public int Verified { get; private set; }

        public int Loaded { get; private set; }

        public string? Fault { get; set; }

        public Task<ModelVerification> VerifyAsync(ModelVersion version, CancellationToken cancellationToken)
        {
            Verified++;
            return Task.FromResult(ModelVerification.Sound(1));
        }

        public void InitializeThread(Device device)
        {
            // There is nothing.
        }

        public void Prepare()
        {
            // There is nothing.
        }

        public IModelInstance Load(ModelVersion version, Device device)
        {
            if (Fault is not null) throw new InferenceException(InferenceError.NotReady, Fault);
            Loaded++;
            return new Echo();
        }

        private sealed class Echo : IModelInstance
        {
            public BatchResult Run(IReadOnlyList<InferenceTensor[]> items) => new([.. items], default, default, default);

            public void Dispose()
            {
                // There is nothing.
            }
        }
    }
}
