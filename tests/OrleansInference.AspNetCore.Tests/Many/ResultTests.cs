using System.Text;

using OrleansInference.AspNetCore.Tests.Hosting;
using OrleansInference.Tensors;

using static OrleansInference.AspNetCore.Tests.Many.ManyDoor;

namespace OrleansInference.AspNetCore.Tests.Many;

/// <summary>Each of many requests has its own result.</summary>
public sealed class ResultTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Each_request_of_an_array_or_of_lines_is_answered_in_a_line_as_it_would_be_by_itself(bool isArray)
    {
        await using var door = await FrontDoor.StartAsync();
        string[] requests = [Number(1, "a"), Number(2), Number(3)];
        var alone = (await door.InferAsync("identity", requests[0])).Text;

        var answer = await door.PostAsync(Route, isArray ? InArray(requests) : Lines(requests));

        Assert.Equal($$"""{"index":0,"status":200,"response":{{alone}}}""", answer.Text.Split('\n')[0]);
        Assert.Equal([(0, 200), (1, 200), (2, 200)], answer.ReadStatuses());
        Assert.Equal([1, 2, 3], answer.ReadLines().Select(line => line.Value()));
    }

    [Fact]
    public async Task A_version_can_be_named()
    {
        await using var door = await FrontDoor.StartAsync();

        (await door.PostAsync("/v2/models/identity/versions/1/infer_many", Number(1))).AssertOk();
        (await door.PostAsync("/v2/models/identity/versions/2/infer_many", Number(1))).AssertError(404, "version 2");

        Assert.Equal(1, door.Client.TheRequest.Version);
    }

    [Theory]
    [InlineData("")]
    [InlineData("\n\n")]
    [InlineData("[]")]
    public async Task Nothing_is_answered_with_nothing(string body)
    {
        await using var door = await FrontDoor.StartAsync();

        Assert.Empty((await door.PostAsync(Route, body)).ReadLines());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_request_that_is_wrong_has_its_error_with_its_id_and_the_others_are_answered(bool isArray)
    {
        await using var door = await FrontDoor.StartAsync();
        string[] requests =
        [
            Number(1),
            """{"id":"x","inputs":[{"name":"A","datatype":"FP32","shape":[2],"data":[1]}]}""",
            "12",
            """{"id":"y","inputs":"none"}""",
            """{"inputs":[{"name":"A","datatype":"FP32","shape":[1],"parameters":{"binary_data_size":4}}]}""",
            """{"id":"z","parameters":{"binary_data_output":true},"inputs":[]}""",
            """{"inputs":[],"outputs":[{"name":"OUTPUT0","parameters":{"binary_data":true}}]}""",
            Number(2),
        ];

        var answer = await door.PostAsync(Route, isArray ? InArray(requests) : Lines(requests));

        var lines = answer.ReadLines();
        Assert.Equal([200, 400, 400, 400, 400, 400, 400, 200], lines.Select(line => line.ReadStatus().Status));
        Assert.StartsWith("[request id: x] ", lines[1].Error(), StringComparison.Ordinal);
        Assert.Contains("not a JSON object", lines[2].Error(), StringComparison.Ordinal);
        Assert.Equal("[request id: y] Unable to parse 'inputs': it is not an array", lines[3].Error());
        Assert.Contains("expecting 4 additional bytes", lines[4].Error(), StringComparison.Ordinal);
        Assert.StartsWith("[request id: z] outputs cannot be binary", lines[5].Error(), StringComparison.Ordinal);
        Assert.StartsWith("outputs cannot be binary", lines[6].Error(), StringComparison.Ordinal);
        Assert.Equal(2, door.Client.Requests.Count);
    }

    [Fact]
    public async Task A_line_that_is_no_text_is_an_error_and_the_next_one_is_read()
    {
        await using var door = await FrontDoor.StartAsync();

        var answer = await door.SendAsync(
            HttpMethod.Post, Route, new ByteArrayContent([0xff, 0xfe, (byte)'\n', .. Encoding.UTF8.GetBytes(Number(1))]));

        Assert.Equal([(0, 400), (1, 200)], answer.ReadStatuses());
    }

    [Theory]
    [InlineData(InferenceError.InvalidArgument, 400)]
    [InlineData(InferenceError.NotFound, 404)]
    [InlineData(InferenceError.NotReady, 503)]
    [InlineData(InferenceError.QueueFull, 429)]
    [InlineData(InferenceError.DeadlineExceeded, 504)]
    [InlineData(InferenceError.TooLarge, 413)]
    [InlineData(InferenceError.ModelFailed, 500)]
    [InlineData(InferenceError.Unavailable, 503)]
    public async Task What_the_cluster_refuses_has_the_status_that_it_has_by_itself(InferenceError error, int status)
    {
        await using var door = await FrontDoor.StartAsync();
        var echo = door.Client.Answer;
        door.Client.Answer = (request, token) => request.Id is null ? echo(request, token) : throw new InferenceException(error, "not today");

        var lines = (await door.PostAsync(Route, Lines(Number(1, "9"), Number(2)))).ReadLines();

        Assert.Equal([(0, status), (1, 200)], lines.Select(line => line.ReadStatus()));
        Assert.Equal("[request id: 9] not today", lines[0].Error());
    }

    [Fact]
    public async Task What_nobody_foresaw_is_500_of_that_request_alone()
    {
        await using var door = await FrontDoor.StartAsync();
        var echo = door.Client.Answer;
        door.Client.Answer = (request, token) => request.Id is null ? echo(request, token) : throw new OperationCanceledException("the silo stopped");

        var lines = (await door.PostAsync(Route, Lines(Number(1, "9"), Number(2)))).ReadLines();

        Assert.Equal([(0, 500), (1, 200)], lines.Select(line => line.ReadStatus()));
        Assert.Contains("the silo stopped", lines[0].Error(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_output_that_cannot_be_written_as_JSON_is_an_error_of_its_request()
    {
        await using var door = await FrontDoor.StartAsync();
        door.Client.Answers(InferenceTensor.FromBytes("OUTPUT0", [new byte[] { 0xff }]));

        var lines = (await door.PostAsync(Route, Number(1))).ReadLines();

        Assert.Equal((0, 400), Assert.Single(lines).ReadStatus());
        Assert.Contains("not UTF-8", lines[0].Error(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_best_classes_are_given_where_they_are_asked_for()
    {
        await using var door = await FrontDoor.StartAsync();
        door.Client.Answers(InferenceTensor.Create("scores", new[] { 0f, 0, 0, 5, 0, 0, 0, 0, 0, 0 }, 1, 10));

        var answer = await door.PostAsync(
            "/v2/models/digits/infer_many",
            """[{"inputs":[{"name":"image","datatype":"BYTES","shape":[1,1],"data":["x"]}],"outputs":[{"name":"scores","parameters":{"classification":1}}]}]""");

        Assert.Contains("5.000000:3:three", answer.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_timeout_counts_from_when_its_request_was_read()
    {
        await using var door = await FrontDoor.StartAsync();
        var gates = new Gates(door.Client);
        var body = new System.IO.Pipelines.Pipe();
        var answering = door.SendAsync(HttpMethod.Post, Route, new StreamContent(body.Reader.AsStream()));
        foreach (var id in new[] { "0", "1" })
        {
            await body.Writer.WriteAsync(Lines(Number(1, id).Replace("{\"id\"", "{\"parameters\":{\"timeout\":2000000},\"id\"", StringComparison.Ordinal)));
            await gates.WhenAsked(id);
            door.Time.Advance(TimeSpan.FromSeconds(1));
            gates.Open(id);
        }

        await body.Writer.CompleteAsync();
        (await answering).AssertOk();

        var now = door.Time.GetUtcNow();
        Assert.Equal([now, now + TimeSpan.FromSeconds(1)], door.Client.Requests.Select(request => request.Deadline!.Value));
    }
}
