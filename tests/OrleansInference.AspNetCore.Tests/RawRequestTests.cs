using OrleansInference.AspNetCore.Tests.Hosting;
using OrleansInference.Tensors;

namespace OrleansInference.AspNetCore.Tests;

/// <summary>Requests whose whole body is the model's one input: raw tensors and pictures.</summary>
public sealed class RawRequestTests
{
    private static readonly byte[] Picture = [0x89, 0x50, 0x4e, 0x47, 0xff, 0x00];

    [Fact]
    public async Task Raw_numbers_fill_the_open_dimension_and_are_answered_in_binary()
    {
        await using var door = await FrontDoor.StartAsync();

        var answer = await door.InferAsync("identity", Bodies.Raw(Bodies.BytesOf(1.5f, 2, 3)));

        Assert.Equal("INPUT0", door.Client.TheInput.Name);
        Assert.Equal(DataType.Float32, door.Client.TheInput.DataType);
        Assert.Equal([3], door.Client.TheInput.Shape.ToArray());
        Assert.Equal([1.5f, 2, 3], door.Client.TheInput.ToArray<float>());
        Assert.Equal("application/octet-stream", answer.ContentType);
        Assert.Equal("[3]", answer.Outputs[0].GetProperty("shape").GetRawText());
        Assert.Equal(Bodies.BytesOf(1.5f, 2, 3), answer.Blobs);
    }

    [Fact]
    public async Task A_raw_byte_string_is_the_body_without_a_length_before_it()
    {
        await using var door = await FrontDoor.StartAsync();

        var answer = await door.InferAsync("digits", Bodies.Raw(Picture));

        answer.AssertOk();
        Assert.Equal("image", door.Client.TheInput.Name);
        Assert.Equal([1, 1], door.Client.TheInput.Shape.ToArray());
        Assert.Equal(Picture, Assert.Single(door.Client.TheInput.ToBytes()).ToArray());
        Assert.Equal("application/octet-stream", answer.ContentType);
    }

    [Fact]
    public async Task A_model_that_batches_gets_one_row()
    {
        await using var door = await FrontDoor.StartAsync();
        door.Client.Models.Add(Models.Ready("rows", 4, [Models.Tensor("x", DataType.Int16, [-1, 3])], []));

        (await door.InferAsync("rows", Bodies.Raw(Bodies.BytesOf<short>(1, 2, 3)))).AssertOk();

        Assert.Equal([1, 3], door.Client.TheInput.Shape.ToArray());
    }

    [Fact]
    public async Task An_open_dimension_stretches_to_the_body()
    {
        await using var door = await FrontDoor.StartAsync();
        door.Client.Models.Add(Models.Ready("plane", 0, [Models.Tensor("x", DataType.Int16, [2, -1, 3])], []));

        (await door.InferAsync("plane", Bodies.Raw(new byte[60]))).AssertOk();

        Assert.Equal([2, 5, 3], door.Client.TheInput.Shape.ToArray());
    }

    [Fact]
    public async Task A_body_that_does_not_fill_the_open_dimension_is_400_and_names_the_step()
    {
        await using var door = await FrontDoor.StartAsync();
        door.Client.Models.Add(Models.Ready("plane", 0, [Models.Tensor("x", DataType.Int16, [2, -1, 3])], []));

        (await door.InferAsync("plane", Bodies.Raw(new byte[61]))).AssertError(400, "'x'", "12 bytes", "61");
    }

    [Fact]
    public async Task A_body_that_does_not_fill_a_fixed_shape_is_400_and_names_it()
    {
        await using var door = await FrontDoor.StartAsync();
        door.Client.Models.Add(Models.Ready("fixed", 0, [Models.Tensor("x", DataType.Int16, [2, 3])], []));

        (await door.InferAsync("fixed", Bodies.Raw(new byte[11]))).AssertError(400, "'x'", "[2,3]", "11 bytes");
    }

    [Fact]
    public async Task Two_open_dimensions_are_400()
    {
        await using var door = await FrontDoor.StartAsync();
        door.Client.Models.Add(Models.Ready("open", 0, [Models.Tensor("x", DataType.Float32, [-1, -1])], []));

        (await door.InferAsync("open", Bodies.Raw(new byte[16]))).AssertError(400, "one open dimension", "'x'", "[-1,-1]");
    }

    [Fact]
    public async Task Several_byte_strings_are_400()
    {
        await using var door = await FrontDoor.StartAsync();
        door.Client.Models.Add(Models.Ready("words", 4, [Models.Tensor("x", DataType.Bytes, [-1, 2])], []));

        (await door.InferAsync("words", Bodies.Raw(Picture))).AssertError(400, "one element", "'x'", "[-1,2]");
    }

    [Fact]
    public async Task A_model_of_two_inputs_takes_no_raw_request()
    {
        await using var door = await FrontDoor.StartAsync();

        (await door.InferAsync("simple", Bodies.Raw(new byte[128]))).AssertError(400, "one input", "'simple'", "2");
        (await door.InferAsync("simple", Bodies.OfType("image/png", Picture))).AssertError(400, "one input", "'simple'");
        Assert.Empty(door.Client.Requests);
    }

    [Theory]
    [InlineData("image/png")]
    [InlineData("image/jpeg")]
    [InlineData("Image/WebP")]
    [InlineData("image/png; charset=binary")]
    public async Task A_picture_is_answered_in_JSON(string contentType)
    {
        await using var door = await FrontDoor.StartAsync();
        door.Client.Answers(InferenceTensor.Create("scores", new float[10], 1, 10), InferenceTensor.FromStrings("label", ["seven"], 1, 1));

        var answer = await door.InferAsync("digits", Bodies.OfType(contentType, Picture));

        Assert.StartsWith("application/json", answer.ContentType, StringComparison.Ordinal);
        Assert.Equal("""["seven"]""", answer.Outputs[1].GetProperty("data").GetRawText());
        Assert.Equal(Picture, Assert.Single(door.Client.TheInput.ToBytes()).ToArray());
        Assert.Null(door.Client.TheRequest.Deadline);
        Assert.Null(door.Client.TheRequest.Id);
    }

    [Fact]
    public async Task A_chunked_picture_arrives_whole()
    {
        await using var door = await FrontDoor.StartAsync();
        byte[] picture = [.. Enumerable.Range(0, 100_000).Select(number => (byte)number)];
        var body = Bodies.Chunked(picture);
        body.Headers.ContentType = new("image/png");
        door.Client.Answers(InferenceTensor.FromStrings("label", ["seven"], 1, 1));

        (await door.InferAsync("digits", body)).AssertOk();

        Assert.Equal(picture, Assert.Single(door.Client.TheInput.ToBytes()).ToArray());
    }

    [Fact]
    public async Task An_empty_raw_body_is_an_empty_tensor_or_an_empty_byte_string()
    {
        await using var door = await FrontDoor.StartAsync();

        (await door.InferAsync("identity", Bodies.Raw([]))).AssertOk();
        (await door.InferAsync("digits", Bodies.Raw([]))).AssertOk();

        Assert.Equal([0, 1], door.Client.Requests.Select(request => request.Inputs[0].ElementCount));
    }

    [Fact]
    public async Task A_body_without_any_content_type_is_JSON()
    {
        await using var door = await FrontDoor.StartAsync();
        var body = Bodies.OneInput("FP32", "[1]", "[1]");
        Assert.Null(Bodies.Json(body).Headers.ContentType);

        (await door.InferAsync("identity", body)).AssertOk();
    }
}
