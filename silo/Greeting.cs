using Microsoft.Extensions.Options;

using OrleansInference.AspNetCore;
using OrleansInference.Client;
using OrleansInference.Engine;
using OrleansInference.Tensors;

namespace OrleansInference.Silo;

/// <summary>Says, once the models are loaded, where the service is and how to call it.</summary>
internal sealed class Greeting(IInferenceClient client, EngineOptions engine, IOptions<FrontDoorOptions> frontDoor, TimeProvider time)
    : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!client.IsReady) await Task.Delay(TimeSpan.FromMilliseconds(100), time, stoppingToken);
        var address = frontDoor.Value.Http.TrimEnd('/');
        var models = await client.GetModelsAsync(stoppingToken);
        var ready = string.Join(", ", models.Where(model => model.State == ModelState.Ready).Select(model => model.Id));
        var others = models.Count(model => model.State != ModelState.Ready) is > 0 and var count ? $" ({count} cannot be served)" : "";
        var grpc = frontDoor.Value.Grpc.Length == 0 ? "" : $", gRPC on {frontDoor.Value.Grpc.TrimEnd('/')}";
        Console.WriteLine($"Serving {(ready.Length > 0 ? ready : "no model")}{others} on {address}{grpc} (pages: {address}/scalar, {address}/dashboard). Try:");
        Console.WriteLine($"  {FindExample(models, address)}");
    }

    /// <summary>A call that works as it is: a sample picture of a model that takes pictures, or else the list of models.</summary>
    private string FindExample(IReadOnlyList<ModelEntry> models, string address)
    {
        var pictures =
            from model in models
            where model is { State: ModelState.Ready, Descriptor.Inputs: [{ DataType: DataType.Bytes }] }
            from repository in engine.Models
            let folder = Path.Combine(repository, model.Id.Name, "samples")
            where Directory.Exists(folder)
            from file in Directory.EnumerateFiles(folder, "*.png").OrderDescending()
            select $"curl --data-binary @{file} -H 'Content-Type: image/png' {address}/v2/models/{model.Id.Name}/infer";
        return pictures.FirstOrDefault() ?? $"curl -X POST {address}/v2/repository/index";
    }
}
