using Inference;

using OrleansInference.Tensors;

namespace OrleansInference.AspNetCore.Tests.Grpc;

public sealed class ParameterTests
{
    [Fact]
    public async Task The_id_and_the_version_come_back()
    {
        await using var door = await GrpcDoor.StartAsync();
        var request = Requests.Number(1, "x-7");
        request.ModelVersion = "1";

        var response = await door.Api.ModelInferAsync(request);

        Assert.Equal(("identity", "1", "x-7"), (response.ModelName, response.ModelVersion, response.Id));
        Assert.Equal(("identity", 1, "x-7"), (door.Client.TheRequest.Model, door.Client.TheRequest.Version, door.Client.TheRequest.Id));
    }

    [Fact]
    public async Task Without_id_version_and_timeout_the_request_has_none()
    {
        await using var door = await GrpcDoor.StartAsync();

        var response = await door.Api.ModelInferAsync(Requests.Number(1));

        Assert.Equal("", response.Id);
        Assert.Empty(response.Parameters);
        Assert.Null(door.Client.TheRequest.Id);
        Assert.Null(door.Client.TheRequest.Version);
        Assert.Null(door.Client.TheRequest.Deadline);
    }

    [Fact]
    public async Task The_outputs_asked_for_are_passed_on_in_their_order()
    {
        await using var door = await GrpcDoor.StartAsync();
        var request = Requests.Number(1);
        request.Outputs.Add([new() { Name = "OUTPUT1" }, new() { Name = "OUTPUT0", Parameters = { ["binary_data"] = new() { BoolParam = false } } }]);

        await door.Api.ModelInferAsync(request);

        Assert.Equal(["OUTPUT1", "OUTPUT0"], door.Client.TheRequest.Outputs);
    }

    public static TheoryData<InferParameter> Timeouts => [new InferParameter { Int64Param = 2_500_000 }, new InferParameter { Uint64Param = 2_500_000 }];

    [Theory]
    [MemberData(nameof(Timeouts), DisableDiscoveryEnumeration = true)]
    public async Task A_timeout_counts_in_microseconds_from_when_the_request_came_in(InferParameter timeout)
    {
        await using var door = await GrpcDoor.StartAsync();
        var request = Requests.Number(1);
        request.Parameters["timeout"] = timeout;

        await door.Api.ModelInferAsync(request);

        Assert.Equal(door.Door.Time.GetUtcNow() + TimeSpan.FromSeconds(2.5), door.Client.TheRequest.Deadline);
    }

    public static TheoryData<InferParameter> BadTimeouts =>
    [
        new InferParameter { Int64Param = -1 },
        new InferParameter { Int64Param = long.MaxValue },
        new InferParameter { Uint64Param = ulong.MaxValue },
        new InferParameter { StringParam = "5" },
        new InferParameter { DoubleParam = 5 },
        new InferParameter { BoolParam = true },
        new InferParameter(),
    ];

    [Theory]
    [MemberData(nameof(BadTimeouts), DisableDiscoveryEnumeration = true)]
    public async Task A_timeout_that_is_no_possible_number_is_refused(InferParameter timeout)
    {
        await using var door = await GrpcDoor.StartAsync();
        var request = Requests.Number(1);
        request.Parameters["timeout"] = timeout;

        await door.AssertRefusedAsync(request, "timeout", "3600000000");
    }

    [Theory]
    [InlineData("triton_anything")]
    [InlineData("triton_final_response")]
    public async Task Reserved_parameters_are_refused_and_named(string name)
    {
        await using var door = await GrpcDoor.StartAsync();
        var request = Requests.Number(1);
        request.Parameters[name] = new() { BoolParam = true };

        await door.AssertRefusedAsync(request, $"'{name}'", "reserved");
    }

    [Fact]
    public async Task Other_parameters_are_let_be()
    {
        await using var door = await GrpcDoor.StartAsync();
        var request = Requests.Number(1);
        request.Parameters["binary_data_output"] = new() { BoolParam = false };
        request.Parameters["priority"] = new() { Uint64Param = 3 };
        request.Parameters["mine"] = new() { DoubleParam = 0.5 };
        request.Parameters["triton_enable_empty_final_response"] = new() { BoolParam = true };
        request.Inputs[0].Parameters["binary_data_size"] = new() { Int64Param = 1 };

        Assert.Single((await door.Api.ModelInferAsync(request)).RawOutputContents);
    }

    [Fact]
    public async Task Shared_memory_is_refused_for_inputs_and_outputs()
    {
        await using var door = await GrpcDoor.StartAsync();
        var input = Requests.Number(1);
        input.Inputs[0].Parameters["shared_memory_region"] = new() { StringParam = "r" };
        var output = Requests.Number(1);
        output.Outputs.Add(new ModelInferRequest.Types.InferRequestedOutputTensor
        {
            Name = "OUTPUT0",
            Parameters = { ["shared_memory_region"] = new() { StringParam = "r" } },
        });

        await door.AssertRefusedAsync(input, "'INPUT0'", "shared memory");
        await door.AssertRefusedAsync(output, "'OUTPUT0'", "shared memory");
    }

    [Fact]
    public async Task Classification_gives_the_best_classes_with_their_labels_as_byte_strings()
    {
        await using var door = await GrpcDoor.StartAsync();
        door.Client.Answers(InferenceTensor.Create("scores", [0f, 1, 2, 3, 9, 5, 6, 7, 8, 0.5f], 1, 10));
        var request = Classify(new() { Int64Param = 2 });

        var response = await door.Api.ModelInferAsync(request);

        var output = Assert.Single(response.Outputs);
        Assert.Equal(("scores", "BYTES"), (output.Name, output.Datatype));
        Assert.Equal([1, 2], output.Shape);
        var elements = new InferenceTensor("scores", OrleansInference.Tensors.DataType.Bytes, [1, 2], response.RawOutputContents[0].Memory).ToStrings();
        Assert.Equal(["9.000000:4:four", "8.000000:8:eight"], elements);
    }

    [Fact]
    public async Task Classes_of_an_output_that_cannot_be_ranked_are_refused_before_the_model_runs()
    {
        await using var door = await GrpcDoor.StartAsync();
        var request = Classify(new() { Int64Param = 2 });
        request.Outputs[0].Name = "label";

        await door.AssertRefusedAsync(request, "classification", "'label'", "BYTES");

        Assert.Empty(door.Client.Requests);
    }

    [Fact]
    public async Task A_classification_of_no_classes_is_refused()
    {
        await using var door = await GrpcDoor.StartAsync();

        await door.AssertRefusedAsync(Classify(new() { Int64Param = 0 }), "classification", "'scores'", "from 1");
        await door.AssertRefusedAsync(Classify(new() { StringParam = "3" }), "classification", "'scores'");
    }

    private static ModelInferRequest Classify(InferParameter classes)
    {
        var request = Requests.Typed("BYTES", [1, 1], new() { BytesContents = { Google.Protobuf.ByteString.CopyFrom(1) } });
        request.ModelName = "digits";
        request.Outputs.Add(new ModelInferRequest.Types.InferRequestedOutputTensor { Name = "scores", Parameters = { ["classification"] = classes } });
        return request;
    }
}
