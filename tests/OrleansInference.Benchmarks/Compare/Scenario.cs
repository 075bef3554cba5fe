using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;

using Google.Protobuf;

using Inference;

using OrleansInference.Benchmarks.Load;
using OrleansInference.Benchmarks.Models;
using OrleansInference.Benchmarks.Servers;

namespace OrleansInference.Benchmarks.Compare;

internal enum Server
{
    /// <summary>Limit B.</summary>
    Bare,

    /// <summary>The endpoint of an afternoon.</summary>
    Rival,

    /// <summary>The silo program with its front door.</summary>
    Ours,

    /// <summary>The client program before a silo program.</summary>
    OursApart,
}

internal enum Format
{
    Json,
    Binary,
    Grpc,
}

/// <summary>One line of the table: which server is asked for what, how, and by how many callers at once.</summary>
internal sealed record Scenario(Server Server, BenchmarkModel Model, Format Format, int Callers)
{
    /// <summary>What is compared within one round, side by side.</summary>
    public static IReadOnlyList<Scenario> All { get; } =
    [
        .. from callers in new[] { 1, 8, 64 }
           from scenario in new Scenario[]
           {
               new(Server.Bare, BenchmarkModel.Identity, Format.Binary, callers),
               new(Server.Ours, BenchmarkModel.Identity, Format.Binary, callers),
               new(Server.Ours, BenchmarkModel.Identity, Format.Grpc, callers),
               new(Server.OursApart, BenchmarkModel.Identity, Format.Binary, callers),
           }
           select scenario,
        new(Server.Bare, BenchmarkModel.Large, Format.Binary, 1),
        new(Server.Ours, BenchmarkModel.Large, Format.Binary, 1),
        .. from callers in new[] { 1, 8, 64 }
           from scenario in new Scenario[]
           {
               new(Server.Rival, BenchmarkModel.Mlp, Format.Json, callers),
               new(Server.Ours, BenchmarkModel.Mlp, Format.Json, callers),
               new(Server.Ours, BenchmarkModel.Mlp, Format.Binary, callers),
               new(Server.Ours, BenchmarkModel.Mlp, Format.Grpc, callers),
               new(Server.OursApart, BenchmarkModel.Mlp, Format.Binary, callers),
           }
           select scenario,
        new(Server.Bare, BenchmarkModel.Conv, Format.Binary, 16),
        .. new[] { 1, 16, 64 }.Select(callers => new Scenario(Server.Ours, BenchmarkModel.Conv, Format.Binary, callers)),
    ];

    /// <summary>Opens the connection of one caller.</summary>
    public Func<Task<IConnection>> Connect(Fleet fleet)
    {
        if (Format == Format.Grpc)
        {
            var message = MakeMessage();
            return () => Task.FromResult<IConnection>(new GrpcConnection(fleet.GrpcPort(Server), message));
        }

        var request = MakeRequest();
        return () => HttpConnection.OpenAsync(fleet.HttpPort(Server), request);
    }

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Model.Name} {Format} c={Callers} {Server}").ToLowerInvariant();

    private byte[] MakeRequest()
    {
        var path = $"/v2/models/{Model.Name}/infer";
        var elements = Model.MakeInput();
        var shape = string.Join(',', Model.Shape);
        if (Format == Format.Json)
        {
            var numbers = string.Join(',', elements.Select(element => element.ToString("R", CultureInfo.InvariantCulture)));
            var json = $$"""{"inputs":[{"name":"{{BenchmarkModel.Input}}","datatype":"FP32","shape":[{{shape}}],"data":[{{numbers}}]}]}""";
            return HttpConnection.MakeRequest(path, Encoding.UTF8.GetBytes(json), ("Content-Type", "application/json"));
        }

        var data = MemoryMarshal.AsBytes(elements.AsSpan());
        var head = Encoding.UTF8.GetBytes(
            $$$"""{"inputs":[{"name":"{{{BenchmarkModel.Input}}}","datatype":"FP32","shape":[{{{shape}}}],"parameters":{"binary_data_size":{{{data.Length}}}}}],"parameters":{"binary_data_output":true}}""");
        return HttpConnection.MakeRequest(
            path,
            [.. head, .. data],
            ("Inference-Header-Content-Length", $"{head.Length}"),
            // Our answer to this request has so many bytes, but for a digit.
            (BareServer.AnswerSize, $"{(Model.Outputs * sizeof(float)) + 160}"));
    }

    private ModelInferRequest MakeMessage() => new()
    {
        ModelName = Model.Name,
        Inputs = { new ModelInferRequest.Types.InferInputTensor { Name = BenchmarkModel.Input, Datatype = "FP32", Shape = { Model.Shape } } },
        RawInputContents = { ByteString.CopyFrom(MemoryMarshal.AsBytes(Model.MakeInput().AsSpan())) },
    };
}
