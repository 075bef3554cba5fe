using System.Globalization;
using System.Net;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;

namespace OrleansInference.EndToEnd.Tests.Protocol;

/// <summary>What the service has answered, read.</summary>
internal sealed record Answer(HttpStatusCode Status, byte[] Body, IReadOnlyDictionary<string, string> Headers)
{
    public const string HeaderLength = "Inference-Header-Content-Length";

    public string Text => Encoding.UTF8.GetString(Body.AsSpan(0, JsonLength));

    public JsonElement Json => JsonElement.Parse(Text);

    /// <summary>The sentence of an error.</summary>
    public string Error => Json.GetProperty("error").GetString()!;

    public TimeSpan? RetryAfter => Headers.TryGetValue("Retry-After", out var seconds)
        ? TimeSpan.FromSeconds(int.Parse(seconds, CultureInfo.InvariantCulture))
        : null;

    private int JsonLength => Headers.TryGetValue(HeaderLength, out var length) ? int.Parse(length, CultureInfo.InvariantCulture) : Body.Length;

    public static async Task<Answer> ReadAsync(HttpResponseMessage response) => new(
        response.StatusCode,
        await response.Content.ReadAsByteArrayAsync(),
        response.Headers.Concat(response.Content.Headers)
            .ToDictionary(header => header.Key, header => string.Join(',', header.Value), StringComparer.OrdinalIgnoreCase));

    /// <summary>The elements of an output of numbers.</summary>
    public T[] Numbers<T>(string output) => Output(output).GetProperty("data").Deserialize<T[]>()!;

    /// <summary>A parameter of the answer.</summary>
    public JsonElement Parameter(string name)
    {
        AssertOk();
        return Json.GetProperty("parameters").GetProperty(name);
    }

    /// <summary>The one number of a model that gives one.</summary>
    public float Number => Assert.Single(Numbers<float>("OUTPUT0"));

    /// <summary>The elements of an output of strings.</summary>
    public string[] Strings(string output) => Numbers<string>(output);

    public long[] Shape(string output) => Output(output).GetProperty("shape").Deserialize<long[]>()!;

    /// <summary>What stands behind the JSON: the elements of all binary outputs.</summary>
    public T[] Blobs<T>()
        where T : unmanaged
    {
        AssertOk();
        return MemoryMarshal.Cast<byte, T>(Body.AsSpan(JsonLength)).ToArray();
    }

    public void AssertOk() => Assert.True(Status == HttpStatusCode.OK, $"{Status}: {Text}");

    private JsonElement Output(string name)
    {
        AssertOk();
        return Json.GetProperty("outputs").EnumerateArray().Single(output => output.GetProperty("name").GetString() == name);
    }
}
