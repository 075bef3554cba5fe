using OrleansInference.Engine.Profiling;
using OrleansInference.Engine.Repository;

namespace OrleansInference.Engine.Tests.Profiling;

public sealed class ModelProfilerTests
{
    private static readonly FileModelRepository Repository = new([TorchScriptArchive.BundledModels]);

    [Fact]
    public void A_sound_network_is_measured() => Assert.Equal(new("digits", 1), ModelProfiler.Find(Repository, "digits").Id);

    [Theory]
    [InlineData("nobody", InferenceError.NotFound, "there is no model 'nobody'; those of the repository are ")]
    [InlineData("digits_checked", InferenceError.InvalidArgument, "'digits_checked' is an ensemble, which has no network of its own; measure its models: ")]
    [InlineData("countdown", InferenceError.InvalidArgument, "'countdown' answers more than once")]
    public void What_has_no_pass_of_its_own_is_not(string model, InferenceError error, string reason)
    {
        var exception = Assert.Throws<InferenceException>(() => ModelProfiler.Find(Repository, model));

        Assert.Equal(error, exception.Error);
        Assert.StartsWith(reason, exception.Message, StringComparison.Ordinal);
    }
}
