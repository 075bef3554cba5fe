using System.IO.Pipelines;
using System.Text;
using System.Text.Json;

using OrleansInference.AspNetCore.Tests.Hosting;

namespace OrleansInference.AspNetCore.Tests.Many;

/// <summary>Calls of the front door with many requests, whose answers can be held back by the requests' ids.</summary>
internal static class ManyDoor
{
    public const string Route = "/v2/models/identity/infer_many";

    /// <summary>A request for one number, on one line.</summary>
    public static string Number(float number, string? id = null) =>
        $$"""{{{(id is null ? "" : $"\"id\":\"{id}\",")}}"inputs":[{"name":"INPUT0","datatype":"FP32","shape":[1],"data":[{{number}}]}]}""";

    public static string Lines(params IEnumerable<string> requests) => string.Concat(requests.Select(request => request + "\n"));

    public static string InArray(params IEnumerable<string> requests) => $"[{string.Join(",", requests)}]";

    /// <summary>The result lines of an answer.</summary>
    public static JsonElement[] ReadLines(this Answer answer)
    {
        answer.AssertOk();
        Assert.Equal("application/x-ndjson", answer.ContentType);
        return [.. answer.Text.Split('\n')[..^1].Select(line => JsonElement.Parse(line))];
    }

    /// <summary>Index and status of each result.</summary>
    public static (long Index, int Status)[] ReadStatuses(this Answer answer) => [.. answer.ReadLines().Select(ReadStatus)];

    public static (long Index, int Status) ReadStatus(this JsonElement line) =>
        (line.GetProperty("index").GetInt64(), line.GetProperty("status").GetInt32());

    /// <summary>The number that a result gives back.</summary>
    public static float Value(this JsonElement line) => line.GetProperty("response").GetProperty("outputs")[0].GetProperty("data")[0].GetSingle();

    public static string Error(this JsonElement line) => line.GetProperty("error").GetString()!;

    public static ValueTask<FlushResult> WriteAsync(this PipeWriter body, string text) => body.WriteAsync(Encoding.UTF8.GetBytes(text));

    public static async Task<JsonElement> ReadJsonAsync(this StreamReader lines) => JsonElement.Parse((await lines.ReadLineAsync())!);
}
