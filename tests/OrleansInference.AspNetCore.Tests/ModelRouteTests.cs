using OrleansInference.AspNetCore.Tests.Hosting;

namespace OrleansInference.AspNetCore.Tests;

/// <summary>What the front door tells of models, field by field.</summary>
public sealed class ModelRouteTests
{
    [Theory]
    [InlineData("/v2/models/simple")]
    [InlineData("/v2/models/simple/versions/1")]
    public async Task Metadata_names_versions_platform_inputs_and_outputs(string path)
    {
        await using var door = await FrontDoor.StartAsync();
        door.Client.Models.Add(Models.Ready("simple", 8, [], [], version: 3) with { State = ModelState.Loading, Reason = "slow" });

        var answer = await door.GetAsync(path);

        answer.AssertOk();
        Assert.StartsWith("application/json", answer.ContentType, StringComparison.Ordinal);
        Assert.Equal(
            """{"name":"simple","versions":["1"],"platform":"pytorch_libtorch","inputs":[""" +
            """{"name":"INPUT0","datatype":"INT32","shape":[-1,16]},{"name":"INPUT1","datatype":"INT32","shape":[-1,16]}]""" +
            ""","outputs":[{"name":"OUTPUT0","datatype":"INT32","shape":[-1,16]},{"name":"OUTPUT1","datatype":"INT32","shape":[-1,16]}]}""",
            answer.Text);
    }

    [Fact]
    public async Task Statistics_of_all_models_come_in_one_answer()
    {
        await using var door = await FrontDoor.StartAsync();
        door.Client.Statistics["simple"] = [(new("simple", 1), new() { InferenceCount = 3 })];
        door.Client.Statistics["digits"] = [(new("digits", 2), new() { InferenceCount = 5 })];

        var answer = await door.GetAsync("/v2/models/stats");

        Assert.Equal(
            [("simple", "1", 3), ("digits", "2", 5)],
            answer.Json.GetProperty("model_stats").EnumerateArray().Select(model => (
                model.GetProperty("name").GetString(), model.GetProperty("version").GetString(), model.GetProperty("inference_count").GetInt32())));
    }

    [Fact]
    public async Task Metadata_lists_all_versions_that_are_ready()
    {
        await using var door = await FrontDoor.StartAsync();
        door.Client.Models.Add(Models.Ready("simple", 8, [], [], version: 20));

        var answer = await door.GetAsync("/v2/models/simple");

        Assert.Equal(["1", "20"], answer.Json.GetProperty("versions").EnumerateArray().Select(version => version.GetString()));
    }

    [Theory]
    [InlineData("/v2/models/simple/ready")]
    [InlineData("/v2/models/simple/versions/1/ready")]
    public async Task A_model_that_is_ready_says_so_with_an_empty_200(string path)
    {
        await using var door = await FrontDoor.StartAsync();

        var answer = await door.GetAsync(path);

        answer.AssertOk();
        Assert.Empty(answer.Body);
    }

    [Theory]
    [InlineData("/v2/models/simple/config")]
    [InlineData("/v2/models/simple/versions/1/config")]
    public async Task The_configuration_is_the_files_own_JSON(string path)
    {
        await using var door = await FrontDoor.StartAsync();

        var answer = await door.GetAsync(path);

        answer.AssertOk();
        Assert.StartsWith("application/json", answer.ContentType, StringComparison.Ordinal);
        Assert.Equal("""{"name":"simple","max_batch_size":8}""", answer.Text);
    }

    [Fact]
    public async Task Statistics_have_Tritons_fields()
    {
        await using var door = await FrontDoor.StartAsync();
        door.Client.Statistics["simple"] =
        [
            (new("simple", 1), new()),
            (new("simple", 2), new()
            {
                LastInference = DateTimeOffset.FromUnixTimeMilliseconds(1_700_000_000_123),
                InferenceCount = 40,
                ExecutionCount = 10,
                Success = new(20, 2000),
                Fail = new(3, 300),
                Queue = new(21, 210),
                ComputeInput = new(22, 220),
                ComputeInfer = new(23, 230),
                ComputeOutput = new(24, 240),
                Batches = [new(4, new(10, 1), new(11, 2), new(12, 3))],
                QueueDepth = 5,
                Reasons = new(Full: 4, Idle: 3, Delay: 2, Deadline: 1),
            }),
        ];

        var answer = await door.GetAsync("/v2/models/simple/stats");

        answer.AssertOk();
        var models = answer.Json.GetProperty("model_stats");
        Assert.Equal(2, models.GetArrayLength());
        Assert.Equal(0, models[0].GetProperty("last_inference").GetInt64());
        Assert.Equal(
            """{"name":"simple","version":"2","last_inference":1700000000123,"inference_count":40,"execution_count":10""" +
            ""","inference_stats":{"success":{"count":20,"ns":2000},"fail":{"count":3,"ns":300},"queue":{"count":21,"ns":210}""" +
            ""","compute_input":{"count":22,"ns":220},"compute_infer":{"count":23,"ns":230},"compute_output":{"count":24,"ns":240}""" +
            ""","cache_hit":{"count":0,"ns":0},"cache_miss":{"count":0,"ns":0}},"batch_stats":[{"batch_size":4""" +
            ""","compute_input":{"count":10,"ns":1},"compute_infer":{"count":11,"ns":2},"compute_output":{"count":12,"ns":3}}],"queue_depth":5""" +
            ""","batch_reasons":{"full":4,"idle":3,"delay":2,"deadline":1},"load_count":0,"cold_request_count":0,"memory_usage":[]}""",
            models[1].GetRawText());
    }

    [Fact]
    public async Task Statistics_of_one_version_are_of_that_one_alone()
    {
        await using var door = await FrontDoor.StartAsync();
        door.Client.Statistics["simple"] = [(new("simple", 1), new()), (new("simple", 2), new())];

        var answer = await door.GetAsync("/v2/models/simple/versions/2/stats");

        Assert.Equal("2", Assert.Single(answer.Json.GetProperty("model_stats").EnumerateArray()).GetProperty("version").GetString());
    }

    [Theory]
    [InlineData("")]
    [InlineData("{}")]
    [InlineData("null")]
    [InlineData("{\"ready\":false}")]
    [InlineData("{\"x\":[1]}")]
    public async Task The_index_lists_all_models_with_states_and_reasons(string body)
    {
        await using var door = await FrontDoor.StartAsync();
        door.Client.Models.Add(Models.NotReady("old", 4, ModelState.Unloading, "it was withdrawn"));

        var answer = await door.PostAsync("/v2/repository/index", body);

        answer.AssertOk();
        Assert.Equal(
            """[{"name":"simple","version":"1","state":"READY","reason":""},{"name":"identity","version":"1","state":"READY","reason":""},""" +
            """{"name":"digits","version":"1","state":"READY","reason":""},""" +
            """{"name":"countdown","version":"1","state":"READY","reason":""},""" +
            """{"name":"loading","version":"1","state":"LOADING","reason":"it is being warmed up"},""" +
            """{"name":"broken","version":"","state":"UNAVAILABLE","reason":"config.json: 'inputs' is missing"},""" +
            """{"name":"old","version":"4","state":"UNLOADING","reason":"it was withdrawn"}]""",
            answer.Text);
    }

    [Fact]
    public async Task The_index_of_ready_models_leaves_out_the_others()
    {
        await using var door = await FrontDoor.StartAsync();

        var answer = await door.PostAsync("/v2/repository/index", """{"ready":true}""");

        Assert.Equal(["simple", "identity", "digits", "countdown"], answer.Json.EnumerateArray().Select(entry => entry.GetProperty("name").GetString()));
    }

    [Theory]
    [InlineData("{")]
    [InlineData("[]")]
    [InlineData("{\"ready\":\"yes\"}")]
    [InlineData("{\"ready\":null}")]
    [InlineData("{\"ready\":true} x")]
    [InlineData("{\"\\ud800\":true}")]
    public async Task A_malformed_question_for_the_index_is_400(string body)
    {
        await using var door = await FrontDoor.StartAsync();

        (await door.PostAsync("/v2/repository/index", body)).AssertError(400, "failed to parse the request JSON buffer");
    }

    [Theory]
    [InlineData("/v2/repository/index", """{"ready":"yes"}""", "'$.ready' has a value of another type than is expected")]
    [InlineData("/v2/repository/models/m/load", """{"parameters":[]}""", "'$.parameters' has a value of another type than is expected")]
    public async Task A_value_of_the_wrong_type_is_named_and_the_programs_own_types_are_not(string path, string body, string expected)
    {
        await using var door = await FrontDoor.StartAsync();

        (await door.PostAsync(path, body)).AssertError(400, expected);
    }
}
