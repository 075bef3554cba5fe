using System.Globalization;
using System.Text;
using System.Text.Json;

namespace OrleansInference.AspNetCore.Tests.Hosting;

/// <summary>A whole response, and what tests ask of one.</summary>
internal sealed record Answer(int Status, IReadOnlyDictionary<string, string> Headers, byte[] Body)
{
    public const string HeaderLength = "Inference-Header-Content-Length";

    public string Text => Encoding.UTF8.GetString(Body);

    public JsonElement Json => JsonElement.Parse(Text);

    public string? ContentType => Headers.GetValueOrDefault("Content-Type");

    /// <summary>The outputs of a successful inference; for one that is part binary, those of its JSON.</summary>
    public JsonElement Outputs
    {
        get
        {
            AssertOk();
            var json = Headers.TryGetValue(HeaderLength, out var length) ? Body[..int.Parse(length, CultureInfo.InvariantCulture)] : Body;
            return JsonElement.Parse(json).GetProperty("outputs");
        }
    }

    /// <summary>What stands behind the JSON.</summary>
    public byte[] Blobs => Body[int.Parse(Headers[HeaderLength], CultureInfo.InvariantCulture)..];

    public void AssertOk() => Assert.True(Status == 200, $"{Status}: {Text}");

    /// <summary>Asserts the status, and that the body is the protocol's error and nothing else, holding all of the fragments.</summary>
    public string AssertError(int status, params string[] fragments)
    {
        Assert.True(Status == status, $"{Status} instead of {status}: {Text}");
        Assert.StartsWith("application/json", ContentType, StringComparison.Ordinal);
        var member = Assert.Single(Json.EnumerateObject());
        Assert.Equal("error", member.Name);
        var error = member.Value.GetString()!;
        Assert.NotEmpty(error);
        foreach (var fragment in fragments) Assert.Contains(fragment, error, StringComparison.Ordinal);
        return error;
    }
}
