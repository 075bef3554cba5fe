using System.Net;
using System.Text.Json;

namespace OrleansInference.EndToEnd.Tests.Protocol;

/// <summary>What the service has answered, read.</summary>
internal sealed record Answer(HttpStatusCode Status, string Text, TimeSpan? RetryAfter)
{
    public JsonElement Json => JsonElement.Parse(Text);

    /// <summary>The sentence of an error.</summary>
    public string Error => Json.GetProperty("error").GetString()!;

    public static async Task<Answer> ReadAsync(HttpResponseMessage response) =>
        new(response.StatusCode, await response.Content.ReadAsStringAsync(), response.Headers.RetryAfter?.Delta);

    /// <summary>The elements of an output of numbers.</summary>
    public T[] Numbers<T>(string output) => Output(output).GetProperty("data").Deserialize<T[]>()!;

    /// <summary>The one number of a model that gives one.</summary>
    public float Number => Assert.Single(Numbers<float>("OUTPUT0"));

    /// <summary>The elements of an output of strings.</summary>
    public string[] Strings(string output) => Numbers<string>(output);

    public long[] Shape(string output) => Output(output).GetProperty("shape").Deserialize<long[]>()!;

    private JsonElement Output(string name)
    {
        Assert.True(Status == HttpStatusCode.OK, $"{Status}: {Text}");
        return Json.GetProperty("outputs").EnumerateArray().Single(output => output.GetProperty("name").GetString() == name);
    }
}
