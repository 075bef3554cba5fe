using OrleansInference.Engine.Repository;
using OrleansInference.Engine.Verification;

namespace OrleansInference.Engine.Tests.Verification;

public sealed class ChildProcessVerifierTests : IDisposable
{
    private readonly VerifiedRepository _repository = new();

    public void Dispose() => _repository.Dispose();

    [Fact]
    public async Task A_small_model_is_charged_for_itself_and_not_for_its_runtime()
    {
        // The runtimes by themselves take tens of megabytes.
        const long Allowed = 1 << 20;

        Assert.InRange((await VerifyAsync(_repository.AddTorch("  return INPUT0"))).MemoryBytes, 1, Allowed);
        Assert.InRange((await VerifyAsync(_repository.AddOnnxLinear(8))).MemoryBytes, 1, Allowed);
    }

    [Fact]
    public async Task Weights_are_measured()
    {
        const int Width = 2048;
        const long Weights = sizeof(float) * Width * Width;

        foreach (var add in new Func<int, ModelVersion>[]
        {
            _repository.AddTorchLinear, width => _repository.AddOnnxLinear(width), width => _repository.AddOnnxLinear(width, "weights.bin"),
        })
        {
            Assert.InRange((await VerifyAsync(add(Width))).MemoryBytes, Weights, Weights * 5 / 4);
        }
    }

    [Fact]
    public async Task Weights_that_stay_in_their_file_count_with_its_length()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Only Linux tells which files are mapped.");
        const int Width = 1024;

        var verification = await VerifyAsync(_repository.AddOnnxTable(Width));

        Assert.InRange(verification.MemoryBytes, sizeof(float) * Width * Width, 2 * sizeof(float) * Width * Width);
    }

    private static async Task<ModelVerification> VerifyAsync(ModelVersion version, EngineOptions? options = null)
    {
        using var verifier = new ChildProcessVerifier(TimeProvider.System, options ?? new());
        var verification = await verifier.VerifyAsync(version, TestContext.Current.CancellationToken);
        Assert.Null(verification.Reason);
        return verification;
    }
}
