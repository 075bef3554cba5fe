using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

using OrleansInference.Client;
using OrleansInference.Tensors;

var builder = Host.CreateApplicationBuilder(new HostApplicationBuilderSettings { Args = args, ContentRootPath = AppContext.BaseDirectory });
builder.UseOrleansClient(); // The cluster's address stands in the section Orleans.
builder.Services.AddInferenceClient();
using var host = builder.Build();
await host.StartAsync();
var client = host.Services.GetRequiredService<IInferenceClient>();

var numbers = Enumerable.Range(0, 16).ToArray();
var ones = Enumerable.Repeat(1, 16).ToArray();
var simple = await client.InferAsync(new()
{
    Model = "simple",
    Inputs = [InferenceTensor.Create("INPUT0", numbers, 1, 16), InferenceTensor.Create("INPUT1", ones, 1, 16)],
});
Console.WriteLine($"sum: {string.Join(' ', simple["OUTPUT0"].ToArray<int>())}");
Console.WriteLine($"difference: {string.Join(' ', simple["OUTPUT1"].ToArray<int>())}");

if (builder.Configuration["picture"] is { } picture)
{
    var digits = await client.InferAsync(new()
    {
        Model = "digits",
        Inputs = [InferenceTensor.FromBytes("image", [await File.ReadAllBytesAsync(picture)], 1, 1)],
    });
    Console.WriteLine($"label: {digits["label"].ToStrings()[0]}");
}

await host.StopAsync();
