using System.Runtime.InteropServices;

using Google.Protobuf;

using Grpc.Core;
using Grpc.Health.V1;
using Grpc.Net.Client;

using Inference;

using OrleansInference.EndToEnd.Tests.Models;
using OrleansInference.EndToEnd.Tests.Programs;

namespace OrleansInference.EndToEnd.Tests;

public sealed class GrpcTests(SharedService service)
{
    private static readonly int[] Left = [.. Enumerable.Range(0, 16)];
    private static readonly int[] Right = [.. Enumerable.Range(0, 16).Select(i => 100 * i)];

    [Fact]
    public Task The_silo_serves_the_bundled_models() => AssertServesAsync(service.Grpc);

    [Fact]
    public async Task A_stream_answers_in_order_and_goes_on_after_an_error()
    {
        var api = new GRPCInferenceService.GRPCInferenceServiceClient(service.Grpc);
        using var stream = api.ModelStreamInfer();
        for (var i = 0; i < 100; i++) await stream.RequestStream.WriteAsync(ToNumber("picky", i == 50 ? -1 : i));
        await stream.RequestStream.CompleteAsync();

        var answers = await stream.ResponseStream.ReadAllAsync().ToListAsync();

        Assert.Equal(100, answers.Count);
        for (var i = 0; i < answers.Count; i++)
        {
            if (i == 50) Assert.Contains(TestModels.RefusalOfPicky, answers[i].ErrorMessage, StringComparison.Ordinal);
            else Assert.Equal(i, MemoryMarshal.Read<float>(answers[i].InferResponse.RawOutputContents[0].Span));
        }
    }

    [Fact]
    public async Task A_call_whose_deadline_passes_while_its_model_runs_is_answered_then()
    {
        var api = new GRPCInferenceService.GRPCInferenceServiceClient(service.Grpc);
        var deadline = TimeProvider.System.GetUtcNow().UtcDateTime.AddMilliseconds(100);

        var exception = await Assert.ThrowsAsync<RpcException>(async () => await api.ModelInferAsync(ToNumber("slow", TestModels.Work), deadline: deadline));

        Assert.Equal(StatusCode.DeadlineExceeded, exception.StatusCode);
    }

    [Fact]
    public async Task An_empty_address_turns_gRPC_off()
    {
        await using var silo = await Service.StartSiloAsync(null, "--Inference:FrontDoor:Grpc=");

        var api = new GRPCInferenceService.GRPCInferenceServiceClient(silo.Grpc);
        var exception = await Assert.ThrowsAsync<RpcException>(async () => await api.ServerLiveAsync(new()));
        Assert.Equal(StatusCode.Unavailable, exception.StatusCode);
    }

    /// <summary>Asserts what a front door serves over gRPC, whichever program it is in.</summary>
    internal static async Task AssertServesAsync(GrpcChannel channel)
    {
        var api = new GRPCInferenceService.GRPCInferenceServiceClient(channel);
        Assert.True((await api.ServerReadyAsync(new())).Ready);
        var health = await new Health.HealthClient(channel).CheckAsync(new HealthCheckRequest { Service = "simple" });
        Assert.Equal(HealthCheckResponse.Types.ServingStatus.Serving, health.Status);
        Assert.Equal(8, (await api.ModelConfigAsync(new() { Name = "simple" })).Config.MaxBatchSize);
        Assert.Equal(DataType.TypeString, Assert.Single((await api.ModelConfigAsync(new() { Name = "digits" })).Config.Input).DataType);

        var simple = new ModelInferRequest { ModelName = "simple", Inputs = { ToInput("INPUT0"), ToInput("INPUT1") } };
        simple.RawInputContents.Add([ToBytes(Left), ToBytes(Right)]);
        AssertSimple(await api.ModelInferAsync(simple));
        simple.RawInputContents.Clear();
        simple.Inputs[0].Contents = new() { IntContents = { Left } };
        simple.Inputs[1].Contents = new() { IntContents = { Right } };
        AssertSimple(await api.ModelInferAsync(simple));

        var digits = new ModelInferRequest
        {
            ModelName = "digits",
            Inputs =
            {
                new ModelInferRequest.Types.InferInputTensor
                {
                    Name = "image",
                    Datatype = "BYTES",
                    Shape = { 1, 1 },
                    Contents = new() { BytesContents = { ByteString.CopyFrom(Samples.Picture(7)) } },
                },
            },
            Outputs = { new ModelInferRequest.Types.InferRequestedOutputTensor { Name = "label" } },
        };
        Assert.Equal([1, 0, 0, 0, (byte)'7'], (await api.ModelInferAsync(digits)).RawOutputContents[0].ToByteArray());

        simple.Inputs.RemoveAt(1);
        var exception = await Assert.ThrowsAsync<RpcException>(async () => await api.ModelInferAsync(simple));
        Assert.Equal(StatusCode.InvalidArgument, exception.StatusCode);
        Assert.Contains("INPUT1", exception.Status.Detail, StringComparison.Ordinal);
        Assert.NotEqual(0ul, (await api.ModelStatisticsAsync(new() { Name = "simple" })).ModelStats[0].ExecutionCount);
    }

    private static void AssertSimple(ModelInferResponse response)
    {
        Assert.Equal(["OUTPUT0", "OUTPUT1"], response.Outputs.Select(output => output.Name));
        Assert.Equal(Left.Zip(Right, (left, right) => left + right), MemoryMarshal.Cast<byte, int>(response.RawOutputContents[0].Span).ToArray());
        Assert.Equal(Left.Zip(Right, (left, right) => left - right), MemoryMarshal.Cast<byte, int>(response.RawOutputContents[1].Span).ToArray());
    }

    private static ModelInferRequest.Types.InferInputTensor ToInput(string name) => new() { Name = name, Datatype = "INT32", Shape = { 1, 16 } };

    private static ModelInferRequest ToNumber(string model, float value) => new()
    {
        ModelName = model,
        Inputs =
        {
            new ModelInferRequest.Types.InferInputTensor
            {
                Name = "INPUT0",
                Datatype = "FP32",
                Shape = { 1, 1 },
                Contents = new() { Fp32Contents = { value } },
            },
        },
    };

    private static ByteString ToBytes(int[] values) => ByteString.CopyFrom(MemoryMarshal.AsBytes(values.AsSpan()));
}
