using System.Text.Json;

using Microsoft.Extensions.Logging;

using OrleansInference.AspNetCore.Tests.Hosting;

namespace OrleansInference.AspNetCore.Tests;

/// <summary>Settings of logs and traces: read by Triton's clients, and never changed by them.</summary>
public sealed class SettingTests
{
    private const string Silent =
        """{"log_file":"","log_info":false,"log_warning":false,"log_error":false,"log_verbose_level":0,"log_format":"default"}""";

    private const string NoTrace =
        """{"trace_level":["OFF"],"trace_rate":"1000","trace_count":"0","log_frequency":"0","trace_file":""}""";

    [Theory]
    [InlineData(LogLevel.Debug, true, true, true, 1)]
    [InlineData(LogLevel.Information, true, true, true, 0)]
    [InlineData(LogLevel.Warning, false, true, true, 0)]
    [InlineData(LogLevel.Error, false, false, true, 0)]
    public async Task Log_settings_are_those_of_the_program(LogLevel level, bool info, bool warning, bool error, int verbose)
    {
        await using var door = await FrontDoor.StartAsync(logLevel: level);

        var settings = (await door.GetAsync("/v2/logging")).Json;

        Assert.Equal(info, settings.GetProperty("log_info").GetBoolean());
        Assert.Equal(warning, settings.GetProperty("log_warning").GetBoolean());
        Assert.Equal(error, settings.GetProperty("log_error").GetBoolean());
        Assert.Equal(verbose, settings.GetProperty("log_verbose_level").GetInt32());
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("{}")]
    [InlineData("""{"log_info":false,"log_verbose_level":0}""")]
    [InlineData(Silent)]
    public async Task Log_settings_may_be_read_or_asked_to_be_what_they_are(string? asked)
    {
        await using var door = await FrontDoor.StartAsync();

        var answer = asked is null ? await door.GetAsync("/v2/logging") : await door.PostAsync("/v2/logging", asked);

        answer.AssertOk();
        Assert.Equal(Silent, answer.Text);
    }

    [Theory]
    [InlineData("""{"log_info":true}""", "'log_info'", "true", "Logging")]
    [InlineData("""{"log_verbose_level":2}""", "'log_verbose_level'", "2", "Logging")]
    [InlineData("""{"log_verbose_level":-1}""", "'log_verbose_level'", "-1", "Logging")]
    [InlineData("""{"log_verbose_level":"0"}""", "'log_verbose_level'", "'0'", "Logging")]
    [InlineData("""{"log_verbose_level":false}""", "'log_verbose_level'", "false", "Logging")]
    [InlineData("""{"log_info":null}""", "'log_info'", "Logging")]
    [InlineData("""{"log_info":false,"log_file":"/etc/passwd"}""", "'log_file'", "'/etc/passwd'", "Logging")]
    [InlineData("""{"log_format":"ISO8601"}""", "'log_format'", "'ISO8601'", "Logging")]
    [InlineData("""{"log_format":"x\nlog_info = true"}""", "'log_format'")]
    [InlineData("""{"log_levels":1}""", "'log_levels'", "log_info, log_warning")]
    [InlineData("""{"log_file":"\ud800"}""", "UTF-8")]
    [InlineData("""[]""", "parse")]
    [InlineData("""{"log_info":""", "parse")]
    public Task A_log_setting_that_would_have_to_change_is_400_and_named_with_the_reason(string asked, params string[] fragments) =>
        AssertRefusedAsync("/v2/logging", asked, fragments);

    [Theory]
    [InlineData("/v2/trace/setting", null)]
    [InlineData("/v2/trace/setting", "")]
    [InlineData("/v2/trace/setting", NoTrace)]
    [InlineData("/v2/models/simple/trace/setting", null)]
    [InlineData("/v2/models/simple/trace/setting", """{"trace_level":"OFF"}""")]
    [InlineData("/v2/models/simple/trace/setting", """{"trace_level":null,"trace_file":null}""")]
    public async Task Trace_settings_may_be_read_or_asked_to_be_what_they_are(string path, string? asked)
    {
        await using var door = await FrontDoor.StartAsync();

        var answer = asked is null ? await door.GetAsync(path) : await door.PostAsync(path, asked);

        answer.AssertOk();
        Assert.Equal(NoTrace, answer.Text);
    }

    [Theory]
    [InlineData("""{"trace_level":["TIMESTAMPS"]}""", "'trace_level'", "TIMESTAMPS", "there is no tracing")]
    [InlineData("""{"trace_level":["OFF","TENSORS"]}""", "'trace_level'", "[OFF, TENSORS]", "there is no tracing")]
    [InlineData("""{"trace_rate":"5"}""", "'trace_rate'", "5", "there is no tracing")]
    [InlineData("""{"trace_count":5}""", "'trace_count'", "5", "expected a string")]
    [InlineData("""{"trace_level":[0]}""", "'trace_level'", "[0]", "expected a string")]
    [InlineData("""{"trace_file":"/etc/passwd"}""", "'trace_file'", "/etc/passwd", "there is no tracing")]
    [InlineData("""{"trace_colour":["OFF"]}""", "'trace_colour'", "trace_level, trace_rate")]
    [InlineData("""{"trace_colour":null}""", "'trace_colour'", "trace_level, trace_rate")]
    [InlineData("OFF", "parse")]
    public async Task A_trace_setting_that_would_have_to_change_is_400_and_named_with_the_reason(string asked, params string[] fragments)
    {
        await AssertRefusedAsync("/v2/trace/setting", asked, fragments);
        await AssertRefusedAsync("/v2/models/simple/trace/setting", asked, fragments);
    }

    [Fact]
    public async Task Trace_settings_of_an_unknown_model_are_404_and_name_it()
    {
        await using var door = await FrontDoor.StartAsync();

        (await door.GetAsync("/v2/models/nothing/trace/setting")).AssertError(404, "'nothing'");
        (await door.PostAsync("/v2/models/nothing/trace/setting", "{}")).AssertError(404, "'nothing'");
    }

    [Fact]
    public async Task Settings_that_cannot_be_changed_are_no_extension()
    {
        await using var door = await FrontDoor.StartAsync();

        var extensions = (await door.GetAsync("/v2")).Json.GetProperty("extensions").EnumerateArray().Select(extension => extension.GetString()).ToList();

        Assert.DoesNotContain("logging", extensions);
        Assert.DoesNotContain("trace", extensions);
    }

    [Theory]
    [InlineData("/v2/logging")]
    [InlineData("/v2/trace/setting")]
    [InlineData("/v2/models/{model}/trace/setting")]
    public async Task The_examples_of_settings_work_as_they_are(string path)
    {
        await using var door = await FrontDoor.StartAsync(logLevel: LogLevel.Information);
        var operations = (await door.GetAsync("/openapi/v1.json")).Json.GetProperty("paths").GetProperty(path);
        var asked = Example(operations.GetProperty("post").GetProperty("requestBody"));
        var expected = Example(operations.GetProperty("get").GetProperty("responses").GetProperty("200"));
        path = path.Replace("{model}", "simple", StringComparison.Ordinal);

        var answer = await door.PostAsync(path, asked.GetRawText());

        answer.AssertOk();
        Assert.True(JsonElement.DeepEquals(expected, answer.Json), answer.Text);
    }

    private static JsonElement Example(JsonElement holder) => holder.GetProperty("content").GetProperty("application/json").GetProperty("example");

    private static async Task AssertRefusedAsync(string path, string asked, string[] fragments)
    {
        await using var door = await FrontDoor.StartAsync();

        (await door.PostAsync(path, asked)).AssertError(400, fragments);
    }
}
