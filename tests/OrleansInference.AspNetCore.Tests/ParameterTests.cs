using OrleansInference.AspNetCore.Tests.Hosting;

namespace OrleansInference.AspNetCore.Tests;

/// <summary>What a request says beside its tensors: id, deadline, version, parameters.</summary>
public sealed class ParameterTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(1_500_000)]
    [InlineData(3_600_000_000)]
    public async Task A_timeout_in_microseconds_becomes_the_deadline(long microseconds)
    {
        await using var door = await FrontDoor.StartAsync();

        (await door.InferAsync("identity", Request($"\"timeout\":{microseconds}"))).AssertOk();

        Assert.Equal(door.Time.GetUtcNow() + TimeSpan.FromMicroseconds(microseconds), door.Client.TheRequest.Deadline);
    }

    [Fact]
    public async Task The_deadline_counts_from_when_the_request_came_in()
    {
        await using var door = await FrontDoor.StartAsync();
        door.Time.Advance(TimeSpan.FromDays(3));
        var received = door.Time.GetUtcNow();

        (await door.InferAsync("identity", Request("\"timeout\":2000000"))).AssertOk();
        door.Time.Advance(TimeSpan.FromDays(3));
        (await door.InferAsync("identity", Request("\"timeout\":2000000"))).AssertOk();

        Assert.Equal(
            [received + TimeSpan.FromSeconds(2), received + TimeSpan.FromDays(3) + TimeSpan.FromSeconds(2)],
            door.Client.Requests.Select(request => request.Deadline!.Value));
    }

    [Theory]
    [InlineData("1", 1)]
    [InlineData("0", 0)]
    [InlineData("18000000000", int.MaxValue)]
    public async Task A_priority_is_passed_on(string priority, int expected)
    {
        await using var door = await FrontDoor.StartAsync();

        (await door.InferAsync("identity", Request($"\"priority\":{priority}"))).AssertOk();

        Assert.Equal(expected, door.Client.TheRequest.Priority);
    }

    [Theory]
    [InlineData("-1")]
    [InlineData("\"high\"")]
    [InlineData("1.5")]
    public async Task A_priority_that_is_no_level_is_refused(string priority)
    {
        await using var door = await FrontDoor.StartAsync();

        (await door.InferAsync("identity", Request($"\"priority\":{priority}"))).AssertError(400, "priority");
    }

    [Theory]
    [InlineData("\"timeout\":0")]
    [InlineData("\"priority\":1")]
    public async Task Without_a_timeout_the_deadline_is_left_to_the_client_library(string parameters)
    {
        await using var door = await FrontDoor.StartAsync();

        (await door.InferAsync("identity", Request(parameters))).AssertOk();

        Assert.Null(door.Client.TheRequest.Deadline);
    }

    [Theory]
    [InlineData("-1")]
    [InlineData("1.5")]
    [InlineData("\"100\"")]
    [InlineData("3600000001")]
    [InlineData("922337203685477580")]
    [InlineData("9223372036854775807")]
    [InlineData("9223372036854775808")]
    public async Task A_timeout_that_is_none_or_too_long_is_400_and_names_the_range(string timeout)
    {
        await using var door = await FrontDoor.StartAsync();

        (await door.InferAsync("identity", Request($"\"timeout\":{timeout}"))).AssertError(400, "timeout", "from 0 to 3600000000");
        Assert.Empty(door.Client.Requests);
    }

    [Theory]
    [InlineData("triton_enable_empty_final_response")]
    [InlineData("triton_")]
    public async Task Reserved_parameters_are_400_and_named(string parameter)
    {
        await using var door = await FrontDoor.StartAsync();

        (await door.InferAsync("identity", Request($"\"{parameter}\":true"))).AssertError(400, $"'{parameter}'", "reserved");
    }

    [Theory]
    [InlineData("abc")]
    [InlineData("")]
    [InlineData("Grüße \\\"0\\\"")]
    [InlineData("世界")]
    public async Task An_id_is_passed_on_and_echoed(string id)
    {
        await using var door = await FrontDoor.StartAsync();

        var answer = await door.InferAsync("identity", Request("", $"\"id\":\"{id}\","));

        answer.AssertOk();
        var expected = id.Replace("\\", "", StringComparison.Ordinal);
        Assert.Equal(expected, answer.Json.GetProperty("id").GetString());
        Assert.Equal(expected, door.Client.TheRequest.Id);
    }

    [Fact]
    public async Task An_id_stands_before_the_message_of_an_error()
    {
        await using var door = await FrontDoor.StartAsync();
        door.Client.Fails(new InferenceException(InferenceError.ModelFailed, "it broke"));

        Assert.Equal("[request id: r-7] it broke", (await door.InferAsync("identity", Request("", "\"id\":\"r-7\","))).AssertError(500));
        Assert.Equal("it broke", (await door.InferAsync("identity", Request(""))).AssertError(500));
    }

    [Theory]
    [InlineData("""{"id":"r-7","inputs":3}""", 400)]
    [InlineData("""{"id":"r-7","inputs":[{"name":"A","shape":[2],"datatype":"FP32","data":[1]}]}""", 400)]
    [InlineData("""{"id":"r-7","inputs":[{"name":"A","shape":[1],"datatype":"FP32","parameters":{"binary_data_size":9}}]}""", 400)]
    [InlineData("""{"id":"r-7","inputs":[""", 400)]
    [InlineData("""{"inputs":[],"id":"r-7"} x""", 400)]
    [InlineData("""{"id":"r-7","parameters":{"triton_x":1}}""", 400)]
    [InlineData("""{"id":"r-7","inputs":[{"name":"A","shape":[200],"datatype":"UINT64","data":[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]}]}""", 413)]
    public async Task It_does_so_too_where_the_error_is_found_behind_it_in_the_body(string body, int status)
    {
        await using var door = await FrontDoor.StartAsync(maxRequestBytes: 128);

        Assert.StartsWith("[request id: r-7] ", (await door.InferAsync("identity", body)).AssertError(status), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_id_behind_the_error_is_not_known_yet()
    {
        await using var door = await FrontDoor.StartAsync();

        Assert.StartsWith("Unable to parse 'inputs'", (await door.InferAsync("identity", """{"inputs":3,"id":"r-7"}""")).AssertError(400), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_answer_says_which_model_and_version_it_is_of_and_no_id_where_none_was_given()
    {
        await using var door = await FrontDoor.StartAsync();

        var answer = await door.InferAsync("identity", Request(""));

        Assert.Equal(["model_name", "model_version", "outputs"], answer.Json.EnumerateObject().Select(member => member.Name));
        Assert.Equal("identity", answer.Json.GetProperty("model_name").GetString());
        Assert.Equal("1", answer.Json.GetProperty("model_version").GetString());
    }

    [Fact]
    public async Task A_version_in_the_path_is_passed_on_and_answered()
    {
        await using var door = await FrontDoor.StartAsync();
        door.Client.Models.Add(Models.Ready("identity", 0, [], [], version: 12));

        var answer = await door.InferAsync("identity/versions/12", Request(""));

        Assert.Equal("12", answer.Json.GetProperty("model_version").GetString());
        Assert.Equal(12, door.Client.TheRequest.Version);
        Assert.Equal("identity", door.Client.TheRequest.Model);
    }

    [Fact]
    public async Task Without_a_version_in_the_path_none_is_passed_on()
    {
        await using var door = await FrontDoor.StartAsync();

        (await door.InferAsync("identity", Request(""))).AssertOk();

        Assert.Null(door.Client.TheRequest.Version);
    }

    private static string Request(string parameters, string members = "") =>
        $$"""{{{members}}"parameters":{{{parameters}}},"inputs":[{"name":"INPUT0","shape":[1],"datatype":"FP32","data":[1]}]}""";
}
