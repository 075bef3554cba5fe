using System.Text;
using System.Text.Json;

using OrleansInference.EndToEnd.Tests.Programs;

namespace OrleansInference.EndToEnd.Tests;

/// <summary>The bundled model <c>countdown</c>, which answers more than once.</summary>
public sealed class StreamTests(SharedService service)
{
    [Fact]
    public async Task A_model_that_answers_more_than_once_is_a_stream_of_events()
    {
        var events = await ReadEventsAsync(service.Http, """{"FROM": 5}""");

        Assert.Equal([4, 3, 2, 1, 0], events.Select(data => data.GetProperty("NUMBER").GetInt32()));
        Assert.Equal([false, false, false, false, true], events.Select(data => data.GetProperty("DONE").GetBoolean()));
    }

    [Fact]
    public async Task Streams_that_run_at_the_same_time_all_come_to_their_end()
    {
        var streams = await Task.WhenAll(Enumerable.Range(1, 20).Select(from => ReadEventsAsync(service.Http, $$"""{"FROM": {{10 * from}}}""")));

        Assert.Equal(Enumerable.Range(1, 20).Select(from => 10 * from), streams.Select(events => events.Count));
    }

    internal static async Task<List<JsonElement>> ReadEventsAsync(HttpClient http, string body)
    {
        using var response = await http.PostAsync("/v2/models/countdown/generate_stream", new StringContent(body, Encoding.UTF8));
        response.EnsureSuccessStatusCode();
        var lines = (await response.Content.ReadAsStringAsync()).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        return [.. lines.Select(line => JsonElement.Parse(line["data: ".Length..]))];
    }
}
