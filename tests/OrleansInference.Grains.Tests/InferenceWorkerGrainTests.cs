using OrleansInference.Tensors;

using SkiaSharp;

namespace OrleansInference.Grains.Tests;

public sealed class InferenceWorkerGrainTests
{
    [Fact]
    public async Task Pictures_go_in_and_probabilities_and_labels_come_out()
    {
        await using var cluster = await InferenceCluster.StartAsync();
        InferenceTensor? pixels = null;
        cluster.Models.OnInfer = (instance, request, _) =>
        {
            pixels = request.Inputs[0];
            return Task.FromResult(new InferenceResponse
            {
                Model = instance.Model,
                Outputs = [InferenceTensor.Create("scores", new[] { 0f, MathF.Log(3), 1000, 1000 - MathF.Log(4) }, 2, 2)],
            });
        };

        var response = await cluster.Client.InferAsync(Request([Pictures.Png(2, 2, SKColors.White), Pictures.Png(2, 2, SKColors.Black)]));

        Assert.Equal("pixels", pixels!.Name);
        Assert.Equal([2, 1, 2, 2], pixels.Shape.ToArray());
        Assert.Equal([255f, 255, 255, 255, 0, 0, 0, 0], pixels.ToArray<float>());
        Assert.Equal(["scores", "label"], response.Outputs.Select(output => output.Name));
        Assert.All(
            response["scores"].ToArray<float>().Zip([0.25f, 0.75f, 0.8f, 0.2f]), pair => Assert.Equal(pair.Second, pair.First, 1e-4f));
        Assert.Equal(["light", "dark"], response["label"].ToStrings());
        Assert.Equal([2, 1], response["label"].Shape.ToArray());
    }

    [Fact]
    public async Task Outputs_are_chosen_after_postprocessing()
    {
        await using var cluster = await InferenceCluster.StartAsync();
        cluster.Models.OnInfer = (instance, _, _) => Task.FromResult(new InferenceResponse
        {
            Model = instance.Model,
            Outputs = [InferenceTensor.Create("scores", new[] { 2f, 1 }, 1, 2)],
        });

        var response = await cluster.Client.InferAsync(Request([Pictures.Png(2, 2, SKColors.White)]) with { Outputs = ["label"] });

        Assert.Equal(["dark"], Assert.Single(response.Outputs).ToStrings());
    }

    [Fact]
    public async Task What_is_no_picture_is_refused_by_its_place_before_any_model_runs()
    {
        await using var cluster = await InferenceCluster.StartAsync();
        var asked = false;
        cluster.Models.OnInfer = (_, _, _) =>
        {
            asked = true;
            throw new InvalidOperationException();
        };

        var exception = await Assert.ThrowsAsync<InferenceException>(
            () => cluster.Client.InferAsync(Request([Pictures.Png(2, 2, SKColors.White), "no picture"u8.ToArray()])));

        Assert.Equal(InferenceError.InvalidArgument, exception.Error);
        Assert.Contains("input 'image', picture 1,", exception.Message, StringComparison.Ordinal);
        Assert.False(asked);
    }

    private static InferenceRequest Request(byte[][] pictures) => new()
    {
        Model = "pictures",
        Inputs = [InferenceTensor.FromBytes("image", [.. pictures.Select(picture => (ReadOnlyMemory<byte>)picture)], pictures.Length, 1)],
    };
}
