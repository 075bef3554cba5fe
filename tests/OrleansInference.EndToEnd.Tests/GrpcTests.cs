using System.Runtime.InteropServices;
using System.Text;

using Google.Protobuf;

using Grpc.Core;
using Grpc.Health.V1;

using Inference;

using OrleansInference.EndToEnd.Tests.Models;
using OrleansInference.EndToEnd.Tests.Programs;

namespace OrleansInference.EndToEnd.Tests;

/// <summary>The protocol over gRPC, as each program serves it.</summary>
public abstract class GrpcTests
{
    private static readonly int[] Left = [.. Enumerable.Range(0, 16)];
    private static readonly int[] Right = [.. Enumerable.Range(0, 16).Select(i => 100 * i)];

    private readonly GRPCInferenceService.GRPCInferenceServiceClient _api;
    private readonly Health.HealthClient _health;

    private protected GrpcTests(Service service)
    {
        _api = new(service.Grpc);
        _health = new(service.Grpc);
    }

    [Fact]
    public async Task The_server_says_what_it_is_and_that_it_is_ready()
    {
        var metadata = await _api.ServerMetadataAsync(new());

        Assert.Equal("orleans-inference", metadata.Name);
        Assert.Contains("binary_tensor_data", metadata.Extensions);
        Assert.True((await _api.ServerLiveAsync(new())).Live);
        Assert.True((await _api.ServerReadyAsync(new())).Ready);
        Assert.True((await _api.ModelReadyAsync(new() { Name = "simple" })).Ready);
        foreach (var service in new[] { "", "inference.GRPCInferenceService", "simple" })
            Assert.Equal(HealthCheckResponse.Types.ServingStatus.Serving, (await _health.CheckAsync(new HealthCheckRequest { Service = service })).Status);
    }

    [Fact]
    public async Task A_model_tells_its_tensors_and_configuration()
    {
        var metadata = await _api.ModelMetadataAsync(new() { Name = "simple", Version = "1" });
        var simple = (await _api.ModelConfigAsync(new() { Name = "simple" })).Config;
        var digits = (await _api.ModelConfigAsync(new() { Name = "digits" })).Config;
        var pipeline = (await _api.ModelConfigAsync(new() { Name = "digits_checked" })).Config;

        Assert.Equal(("pytorch_libtorch", "1"), (metadata.Platform, Assert.Single(metadata.Versions)));
        Assert.Equal(["INPUT0", "INPUT1"], metadata.Inputs.Select(input => input.Name));
        Assert.Equal([-1, 16], metadata.Outputs[0].Shape);
        Assert.Equal(8, simple.MaxBatchSize);
        Assert.Equal(DataType.TypeString, Assert.Single(digits.Input).DataType);
        Assert.Equal(["digits", "digits_mlp", "agreement"], pipeline.EnsembleScheduling.Step.Select(step => step.ModelName));
        Assert.Equal("seen", pipeline.EnsembleScheduling.Step[2].InputMap["left"]);
    }

    [Fact]
    public async Task Statistics_count_what_is_inferred_and_the_index_lists_the_models()
    {
        var before = Assert.Single((await _api.ModelStatisticsAsync(new() { Name = "simple" })).ModelStats);
        await _api.ModelInferAsync(ToSimple());

        var after = Assert.Single((await _api.ModelStatisticsAsync(new() { Name = "simple", Version = "1" })).ModelStats);
        var index = await _api.RepositoryIndexAsync(new() { Ready = true });

        Assert.Equal(before.InferenceCount + 1, after.InferenceCount);
        Assert.Superset(new HashSet<string> { "digits", "identity", "simple" }, index.Models.Select(model => model.Name).ToHashSet());
    }

    [Fact]
    public async Task Settings_of_logs_and_traces_can_be_read()
    {
        Assert.True((await _api.LogSettingsAsync(new())).Settings["log_error"].BoolParam);
        Assert.Equal(["OFF"], (await _api.TraceSettingAsync(new() { ModelName = "simple" })).Settings["trace_level"].Value);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Simple_adds_and_subtracts_typed_and_raw_tensors(bool raw)
    {
        var request = ToSimple();
        if (raw)
        {
            foreach (var input in request.Inputs) input.Contents = null;
            request.RawInputContents.Add([ToBytes(Left), ToBytes(Right)]);
        }

        var response = await _api.ModelInferAsync(request);

        Assert.Equal(("r-1", "1"), (response.Id, response.ModelVersion));
        Assert.Equal(["OUTPUT0", "OUTPUT1"], response.Outputs.Select(output => output.Name));
        Assert.Equal(Left.Zip(Right, (left, right) => left + right), MemoryMarshal.Cast<byte, int>(response.RawOutputContents[0].Span).ToArray());
        Assert.Equal(Left.Zip(Right, (left, right) => left - right), MemoryMarshal.Cast<byte, int>(response.RawOutputContents[1].Span).ToArray());
    }

    [Fact]
    public async Task A_picture_is_answered_with_its_label_and_its_best_class()
    {
        var scores = new ModelInferRequest.Types.InferRequestedOutputTensor { Name = "scores" };
        scores.Parameters["classification"] = new() { Int64Param = 1 };
        var request = new ModelInferRequest
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
            Outputs = { new ModelInferRequest.Types.InferRequestedOutputTensor { Name = "label" }, scores },
        };

        var response = await _api.ModelInferAsync(request);

        Assert.Equal([1, 0, 0, 0, (byte)'7'], response.RawOutputContents[0].ToByteArray());
        Assert.Matches("^0[.][0-9]{6}:7:7$", Encoding.UTF8.GetString(response.RawOutputContents[1].Span[4..]));
    }

    [Fact]
    public async Task A_stream_answers_in_order_and_goes_on_after_an_error()
    {
        using var stream = _api.ModelStreamInfer();
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
    public async Task A_wrong_request_has_its_status_and_a_sentence()
    {
        var incomplete = ToSimple();
        incomplete.Inputs.RemoveAt(1);

        await AssertStatusAsync(StatusCode.NotFound, ToNumber("nothing", 1), "'nothing'");
        await AssertStatusAsync(StatusCode.NotFound, new(ToNumber("identity", 1)) { ModelVersion = "9" }, "version 9");
        await AssertStatusAsync(StatusCode.InvalidArgument, incomplete, "[request id: r-1] expected 2 inputs but got 1 inputs");
        await AssertStatusAsync(StatusCode.Internal, ToNumber("picky", -1), TestModels.RefusalOfPicky);
    }

    [Fact]
    public async Task A_tensor_over_the_limit_is_refused_and_the_service_goes_on()
    {
        const int Count = (SharedService.MaxRequestBytes / sizeof(float)) + 1;
        var request = ToNumber("identity", 1);
        request.Inputs[0].Contents = null;
        request.Inputs[0].Shape[0] = Count;
        request.RawInputContents.Add(ByteString.CopyFrom(new byte[Count * sizeof(float)]));

        await AssertStatusAsync(StatusCode.ResourceExhausted, request, $"{SharedService.MaxRequestBytes}");

        Assert.Equal("r-1", (await _api.ModelInferAsync(ToSimple())).Id);
    }

    [Fact]
    public async Task A_call_whose_deadline_passes_while_its_model_runs_is_answered_then()
    {
        var deadline = TimeProvider.System.GetUtcNow().UtcDateTime.AddMilliseconds(100);

        var exception = await Assert.ThrowsAsync<RpcException>(
            async () => await _api.ModelInferAsync(ToNumber("narrow", TestModels.Work), deadline: deadline));

        Assert.Equal(StatusCode.DeadlineExceeded, exception.StatusCode);
    }

    private async Task AssertStatusAsync(StatusCode status, ModelInferRequest request, string fragment)
    {
        var exception = await Assert.ThrowsAsync<RpcException>(async () => await _api.ModelInferAsync(request));
        Assert.Equal(status, exception.StatusCode);
        Assert.Contains(fragment, exception.Status.Detail, StringComparison.Ordinal);
    }

    private static ModelInferRequest ToSimple() => new()
    {
        ModelName = "simple",
        Id = "r-1",
        Inputs =
        {
            new ModelInferRequest.Types.InferInputTensor { Name = "INPUT0", Datatype = "INT32", Shape = { 1, 16 }, Contents = new() { IntContents = { Left } } },
            new ModelInferRequest.Types.InferInputTensor { Name = "INPUT1", Datatype = "INT32", Shape = { 1, 16 }, Contents = new() { IntContents = { Right } } },
        },
    };

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

public sealed class SiloGrpcTests(SharedService service) : GrpcTests(service.Silo)
{
    [Fact]
    public async Task An_empty_address_turns_gRPC_off()
    {
        await using var silo = await Service.StartSiloAsync(null, "--Inference:FrontDoor:Grpc=");

        var api = new GRPCInferenceService.GRPCInferenceServiceClient(silo.Grpc);
        var exception = await Assert.ThrowsAsync<RpcException>(async () => await api.ServerLiveAsync(new()));
        Assert.Equal(StatusCode.Unavailable, exception.StatusCode);
    }
}

public sealed class FrontEndGrpcTests(SharedService service) : GrpcTests(service.FrontEnd);
