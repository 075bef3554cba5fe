using System.Text.Json;

using OrleansInference.AspNetCore.Tests.Hosting;
using OrleansInference.Tensors;

namespace OrleansInference.AspNetCore.Tests;

/// <summary>The best classes instead of the scores.</summary>
public sealed class ClassificationTests
{
    private static readonly float[] Scores = [0, 0.25f, -1, 0.9f, 0, 0, 0, 0.5f, 0, 0];

    [Fact]
    public async Task The_best_classes_come_as_value_index_and_label()
    {
        var output = await ClassifyAsync("digits", "scores", 3, InferenceTensor.Create("scores", Scores, 1, 10));

        Assert.Equal("scores", output.GetProperty("name").GetString());
        Assert.Equal("BYTES", output.GetProperty("datatype").GetString());
        Assert.Equal("[1,3]", output.GetProperty("shape").GetRawText());
        Assert.Equal(["0.900000:3:three", "0.500000:7:seven", "0.250000:1:one"], Texts(output));
    }

    [Fact]
    public async Task Each_row_of_a_batch_is_ranked_by_itself()
    {
        float[] rows = [.. Scores, .. Scores.Reverse()];

        var output = await ClassifyAsync("digits", "scores", 1, InferenceTensor.Create("scores", rows, 2, 10));

        Assert.Equal("[2,1]", output.GetProperty("shape").GetRawText());
        Assert.Equal(["0.900000:3:three", "0.900000:6:six"], Texts(output));
    }

    [Theory]
    [InlineData(10)]
    [InlineData(11)]
    [InlineData(int.MaxValue)]
    public async Task More_classes_than_there_are_means_all(int count)
    {
        var output = await ClassifyAsync("digits", "scores", count, InferenceTensor.Create("scores", Scores, 1, 10));

        Assert.Equal("[1,10]", output.GetProperty("shape").GetRawText());
        Assert.Equal("-1.000000:2:two", Texts(output)[^1]);
    }

    [Fact]
    public async Task Without_labels_value_and_index_remain_and_without_a_batch_so_does_one_dimension()
    {
        var output = await ClassifyAsync("identity", "OUTPUT0", 2, InferenceTensor.Create("OUTPUT0", new[] { 1f, 3.3f }, 2));

        Assert.Equal("[2]", output.GetProperty("shape").GetRawText());
        Assert.Equal(["3.300000:1", "1.000000:0"], Texts(output));
    }

    [Fact]
    public async Task Equal_values_keep_their_order_and_no_number_comes_last()
    {
        var output = await ClassifyAsync("identity", "OUTPUT0", 4, InferenceTensor.Create("OUTPUT0", new[] { 1, float.NaN, 2, 1 }, 4));

        Assert.Equal(["2.000000:2", "1.000000:0", "1.000000:3", "NaN:1"], Texts(output));
    }

    [Theory]
    [InlineData(DataType.UInt8, "0105")]
    [InlineData(DataType.UInt16, "01000500")]
    [InlineData(DataType.UInt32, "0100000005000000")]
    [InlineData(DataType.UInt64, "01000000000000000500000000000000")]
    [InlineData(DataType.Int8, "FF05")]
    [InlineData(DataType.Int16, "FFFF0500")]
    [InlineData(DataType.Int32, "FFFFFFFF05000000")]
    [InlineData(DataType.Int64, "FFFFFFFFFFFFFFFF0500000000000000")]
    [InlineData(DataType.Float32, "000080BF0000A040")]
    [InlineData(DataType.Float64, "000000000000F0BF0000000000001440")]
    public async Task All_ordinary_numbers_can_be_ranked(DataType type, string bytes)
    {
        var output = await ClassifyAsync("identity", "OUTPUT0", 1, new("OUTPUT0", type, [2], Convert.FromHexString(bytes)));

        Assert.Equal(["5.000000:1"], Texts(output));
    }

    [Theory]
    [InlineData(DataType.Bytes, "0000000000000000")]
    [InlineData(DataType.Float16, "00000000")]
    [InlineData(DataType.BFloat16, "00000000")]
    [InlineData(DataType.Bool, "0000")]
    public async Task Others_cannot_be_ranked_which_is_400_and_names_the_output(DataType type, string bytes)
    {
        await using var door = await FrontDoor.StartAsync();
        door.Client.Answers(new InferenceTensor("OUTPUT0", type, [2], Convert.FromHexString(bytes)));

        (await door.InferAsync("identity", Request("OUTPUT0", "1"))).AssertError(400, "'OUTPUT0'", type.ToProtocolName(), "classification");
    }

    [Theory]
    [InlineData(DataType.Bytes)]
    [InlineData(DataType.Float16)]
    [InlineData(DataType.BFloat16)]
    [InlineData(DataType.Bool)]
    public async Task An_output_that_cannot_be_ranked_is_refused_before_the_model_runs(DataType type)
    {
        await using var door = await FrontDoor.StartAsync();
        door.Client.Models.Add(Models.Ready("m", 0, [], [Models.Tensor("OUTPUT0", type, [-1])]));

        (await door.InferAsync("m", Request("OUTPUT0", "1"))).AssertError(400, "'OUTPUT0'", type.ToProtocolName(), "classification");
        Assert.Empty(door.Client.Requests);
    }

    [Theory]
    [InlineData("0")]
    [InlineData("-1")]
    [InlineData("1.5")]
    [InlineData("\"3\"")]
    [InlineData("true")]
    [InlineData("2147483648")]
    public async Task A_number_of_classes_that_is_none_is_400_and_names_the_range(string count)
    {
        await using var door = await FrontDoor.StartAsync();

        (await door.InferAsync("digits", Request("scores", count))).AssertError(400, "'classification'", "from 1 to 2147483647");
        Assert.Empty(door.Client.Requests);
    }

    [Fact]
    public async Task Classes_can_be_binary_too()
    {
        await using var door = await FrontDoor.StartAsync();
        door.Client.Answers(InferenceTensor.Create("scores", Scores, 1, 10));

        var answer = await door.InferAsync("digits", Request("scores", "1,\"binary_data\":true"));

        Assert.Equal("BYTES", answer.Outputs[0].GetProperty("datatype").GetString());
        Assert.Equal(InferenceTensor.FromStrings("scores", ["0.900000:3:three"]).Data.ToArray(), answer.Blobs);
    }

    [Fact]
    public async Task Only_the_output_that_asks_for_it_is_ranked()
    {
        await using var door = await FrontDoor.StartAsync();
        door.Client.Answers(InferenceTensor.Create("scores", Scores, 1, 10), InferenceTensor.FromStrings("label", ["three"], 1, 1));

        var outputs = (await door.InferAsync("digits", Request("scores", "1"))).Outputs;

        Assert.Equal("""["0.900000:3:three"]""", outputs[0].GetProperty("data").GetRawText());
        Assert.Equal("""["three"]""", outputs[1].GetProperty("data").GetRawText());
    }

    private static async Task<JsonElement> ClassifyAsync(string model, string output, int count, InferenceTensor answer)
    {
        await using var door = await FrontDoor.StartAsync();
        door.Client.Answers(answer);
        return Assert.Single((await door.InferAsync(model, Request(output, $"{count}"))).Outputs.EnumerateArray());
    }

    private static string Request(string output, string count) =>
        $$"""
        {"inputs":[{"name":"x","shape":[1],"datatype":"FP32","data":[1]}],
        "outputs":[{"name":"{{output}}","parameters":{"classification":{{count}} } }]}
        """;

    private static string[] Texts(JsonElement output) =>
        [.. output.GetProperty("data").EnumerateArray().Select(element => element.GetString()!)];
}
