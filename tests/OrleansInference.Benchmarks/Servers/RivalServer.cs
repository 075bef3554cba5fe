using TorchSharp;

namespace OrleansInference.Benchmarks.Servers;

/// <summary>
/// The rival: what a .NET team writes in an afternoon. One endpoint that takes and gives JSON, the network behind a semaphore, since a
/// network is not to be run by two at once.
/// </summary>
internal static class RivalServer
{
    public static async Task RunAsync(string address, string modelFile)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls(address).ConfigureKestrel(kestrel => kestrel.Limits.MaxRequestBodySize = null);
        var app = builder.Build();
        var model = torch.jit.load<torch.Tensor, torch.Tensor>(modelFile);
        model.eval();
        using var turn = new SemaphoreSlim(1);
        app.MapPost("/v2/models/{model}/infer", async (RivalRequest request, CancellationToken cancellationToken) =>
        {
            await turn.WaitAsync(cancellationToken);
            try
            {
                using var scope = torch.NewDisposeScope();
                using var mode = torch.inference_mode();
                var input = request.Inputs[0];
                var output = model.forward(torch.tensor(input.Data, input.Shape));
                return new RivalResponse([new("OUTPUT0", output.shape, output.data<float>().ToArray())]);
            }
            finally
            {
                turn.Release();
            }
        });
        await app.RunAsync();
    }

    private sealed record RivalTensor(string Name, long[] Shape, float[] Data);

    private sealed record RivalRequest(RivalTensor[] Inputs);

    private sealed record RivalResponse(RivalTensor[] Outputs);
}
