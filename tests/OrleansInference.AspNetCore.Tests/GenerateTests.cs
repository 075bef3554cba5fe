using OrleansInference.AspNetCore.Tests.Hosting;
using OrleansInference.Tensors;

namespace OrleansInference.AspNetCore.Tests;

/// <summary>Triton's generate extension: inputs and outputs as members of one object.</summary>
public sealed class GenerateTests
{
    [Fact]
    public async Task Members_named_like_inputs_are_inputs_and_outputs_come_back_as_members()
    {
        await using var door = await FrontDoor.StartAsync();
        door.Client.Answers(InferenceTensor.Create("OUTPUT0", new[] { 1, 2 }, 1, 2), InferenceTensor.FromStrings("label", ["zwölf"], 1, 1));

        var answer = await door.PostAsync("/v2/models/identity/generate", """{"id": "7", "INPUT0": [1, 2.5]}""");

        answer.AssertOk();
        Assert.Equal("""{"model_name":"identity","model_version":"1","id":"7","OUTPUT0":[1,2],"label":"zwölf"}""", answer.Text);
        Assert.Equal([1f, 2.5f], door.Client.TheInput.ToArray<float>());
    }

    [Theory]
    [InlineData("5", new long[] { 1, 1 })]
    [InlineData("[5]", new long[] { 1, 1 })]
    [InlineData("[[5]]", new long[] { 1, 1 })]
    [InlineData("[[5], [6], [7]]", new long[] { 3, 1 })]
    public async Task A_value_becomes_a_tensor_of_the_shape_that_the_model_expects(string value, long[] shape)
    {
        await using var door = await FrontDoor.StartAsync();
        door.Client.Stream = (request, _) => Countdown.RunAsync(request);

        (await door.PostAsync("/v2/models/countdown/generate_stream", $$"""{"FROM": {{value}}}""")).AssertOk();

        Assert.Equal(shape, door.Client.TheInput.Shape);
        Assert.Equal(5, door.Client.TheInput.AsSpan<int>()[0]);
    }

    [Theory]
    [InlineData("[1,2,3,4]", new long[] { 1, 2, 2 })]
    [InlineData("[[1,2],[3,4]]", new long[] { 1, 2, 2 })]
    [InlineData("[[[1,2],[3,4]],[[5,6],[7,8]]]", new long[] { 2, 2, 2 })]
    public async Task A_flat_list_is_laid_out_as_one_row(string value, long[] shape)
    {
        await using var door = await FrontDoor.StartAsync();
        door.Client.Models.Add(Models.Ready("m", 8, [Models.Tensor("X", DataType.Int32, [-1, 2, 2])], []));

        (await door.PostAsync("/v2/models/m/generate", $$"""{"X": {{value}}}""")).AssertOk();

        Assert.Equal(shape, door.Client.TheInput.Shape);
        Assert.Equal(Enumerable.Range(1, (int)door.Client.TheInput.ElementCount), door.Client.TheInput.ToArray<int>());
    }

    [Theory]
    [InlineData("[1,2,3,4,5,6]", new long[] { 1, 3, 2 })]
    [InlineData("[]", new long[] { 1, 0, 2 })]
    public async Task An_open_dimension_takes_what_there_is(string value, long[] shape)
    {
        await using var door = await FrontDoor.StartAsync();
        door.Client.Models.Add(Models.Ready("m", 8, [Models.Tensor("X", DataType.Int32, [-1, -1, 2])], []));

        (await door.PostAsync("/v2/models/m/generate", $$"""{"X": {{value}}}""")).AssertOk();

        Assert.Equal(shape, door.Client.TheInput.Shape);
    }

    [Theory]
    [InlineData("[NaN, -Infinity]", new[] { float.NaN, float.NegativeInfinity })]
    [InlineData("3", new[] { 3f })]
    [InlineData("[]", new float[0])]
    public async Task A_model_of_any_shape_takes_the_values_own(string value, float[] expected)
    {
        await using var door = await FrontDoor.StartAsync();

        (await door.PostAsync("/v2/models/identity/generate", $$"""{"INPUT0": {{value}}}""")).AssertOk();

        Assert.Equal(expected, door.Client.TheInput.ToArray<float>());
        Assert.Equal([expected.Length], door.Client.TheInput.Shape);
    }

    [Theory]
    [InlineData("""{"INPUT0": 1, "timeout": 2000000}""")]
    [InlineData("""{"parameters": {"timeout": 2000000, "temperature": 0.5}, "INPUT0": 1, "top_p": 1, "stream": false, "user": "x", "seed": null}""")]
    public async Task Other_members_are_parameters(string body)
    {
        await using var door = await FrontDoor.StartAsync();

        (await door.PostAsync("/v2/models/identity/generate", body)).AssertOk();

        Assert.Equal(door.Time.GetUtcNow() + TimeSpan.FromSeconds(2), door.Client.TheRequest.Deadline);
    }

    [Theory]
    [InlineData("simple", """{"INPUT0": [[1]]}""", "unexpected shape for input 'INPUT0' for model 'simple'. Expected [-1,16], got [1,1]")]
    [InlineData("simple", """{"INPUT0": 1}""", "got [1]")]
    [InlineData("simple", """{"INPUT0": [[1],[2,3]]}""", "'INPUT0': its nested arrays differ")]
    [InlineData("simple", """{"INPUT0": [1,[2]]}""", "nested arrays differ")]
    [InlineData("simple", """{"INPUT0": [[1],2]}""", "nested arrays differ")]
    [InlineData("simple", """{"INPUT0": [[],[[]]]}""", "nested arrays differ")]
    [InlineData("identity", """{"INPUT0": "one"}""", "'one', is no FP32")]
    [InlineData("identity", """{"INPUT0": {"a": 1}}""", "an object, is no FP32")]
    [InlineData("identity", """{"INPUT0": [{"a": 1}]}""", "an object, is no FP32")]
    [InlineData("identity", """{"INPUT0": 1, "INPUT0": 2}""", "input 'INPUT0' already exists in request")]
    [InlineData("identity", """{"INPUT": [1]}""", "unexpected inference input 'INPUT' for model 'identity'")]
    [InlineData("identity", """{"INPUT0": 1, "triton_x": 1}""", "parameter 'triton_x' is reserved")]
    [InlineData("identity", """{"INPUT0": 1, "timeout": "soon"}""", "timeout")]
    [InlineData("identity", """{"INPUT0": 1, "parameters": 5}""", "parameters")]
    [InlineData("identity", """{"INPUT0": 1, "id": 5}""", "id")]
    [InlineData("identity", """{"INPUT0": [1""", "failed to parse the request JSON buffer")]
    [InlineData("identity", """{"INPUT0": 1} x""", "failed to parse the request JSON buffer")]
    [InlineData("identity", "[1]", "not a JSON object")]
    [InlineData("identity", "", "failed to parse the request JSON buffer")]
    public async Task A_body_that_does_not_fit_is_400_with_what_is_wrong(string model, string body, string expected)
    {
        await using var door = await FrontDoor.StartAsync();

        (await door.PostAsync($"/v2/models/{model}/generate", body)).AssertError(400, expected);
        (await door.PostAsync($"/v2/models/{model}/generate_stream", body)).AssertError(400, expected);

        Assert.Empty(door.Client.Requests);
    }

    [Theory]
    [InlineData("nothing", 404)]
    [InlineData("loading", 503)]
    public async Task A_model_that_does_not_answer_is_refused_as_for_infer(string model, int status)
    {
        await using var door = await FrontDoor.StartAsync();

        (await door.PostAsync($"/v2/models/{model}/generate", "{}")).AssertError(status, model);
        (await door.PostAsync($"/v2/models/{model}/generate_stream", "{}")).AssertError(status, model);
    }

    [Fact]
    public async Task A_model_that_gives_more_than_one_response_is_refused_without_a_stream()
    {
        await using var door = await FrontDoor.StartAsync();
        door.Client.Stream = (request, _) => Countdown.RunAsync(request);

        (await door.PostAsync("/v2/models/countdown/generate", """{"FROM": 1}""")).AssertOk();
        (await door.PostAsync("/v2/models/countdown/generate", """{"FROM": 2}""")).AssertError(400, "exactly 1 response", "generate_stream");
    }

    [Fact]
    public async Task Bytes_that_are_not_text_cannot_be_a_member()
    {
        await using var door = await FrontDoor.StartAsync();
        door.Client.Answers(InferenceTensor.FromBytes("OUTPUT0", [new byte[] { 0xff }], 1));

        (await door.PostAsync("/v2/models/identity/generate", """{"INPUT0": 1}""")).AssertError(400, "'OUTPUT0'", "UTF-8");
    }
}
