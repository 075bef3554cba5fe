using System.Globalization;
using System.IO.Compression;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text;

namespace OrleansInference.EndToEnd.Tests.Protocol;

/// <summary>The service as callers without a library of their own talk to it.</summary>
internal sealed class InferenceApi(HttpClient http)
{
    public Task<Answer> InferPictureAsync(byte[] picture, string contentType = "image/png", string model = "digits")
    {
        var content = new ByteArrayContent(picture);
        content.Headers.ContentType = new MediaTypeHeaderValue(contentType);
        return InferAsync(model, content);
    }

    /// <summary>Sends JSON; without a Content-Type, which many of the protocol's clients leave out, where none is given.</summary>
    public Task<Answer> InferJsonAsync(
        string model, string json, string? contentType = "application/json", CancellationToken cancellationToken = default)
    {
        var content = new ByteArrayContent(Encoding.UTF8.GetBytes(json));
        if (contentType is not null) content.Headers.ContentType = new MediaTypeHeaderValue(contentType);
        return InferAsync(model, content, cancellationToken);
    }

    /// <summary>Sends one number to a model that takes one per row.</summary>
    /// <param name="model">The model.</param>
    /// <param name="value">The number.</param>
    /// <param name="timeout">The request's own deadline, in microseconds; 0 for none.</param>
    /// <param name="cancellationToken">Closes the connection.</param>
    public Task<Answer> InferNumberAsync(
        string model, float value, long timeout = 0, CancellationToken cancellationToken = default) => InferJsonAsync(
        model,
        $$"""
        {
          "parameters": { "timeout": {{timeout}} },
          "inputs": [ { "name": "INPUT0", "datatype": "FP32", "shape": [1, 1], "data": [ {{value}} ] } ]
        }
        """,
        cancellationToken: cancellationToken);

    /// <summary>Sends a batch to a model that takes one number per row.</summary>
    public Task<Answer> InferNumbersAsync(string model, IReadOnlyList<float> rows) => InferJsonAsync(
        model, $$"""{ "inputs": [ { "name": "INPUT0", "datatype": "FP32", "shape": [{{rows.Count}}, 1], "data": [{{string.Join(',', rows)}}] } ] }""");

    public Task<Answer> InferAsync(string model, HttpContent content, CancellationToken cancellationToken = default) =>
        SendAsync(HttpMethod.Post, $"/v2/models/{model}/infer", content, cancellationToken: cancellationToken);

    /// <summary>Sends JSON with the bytes of tensors behind it, without a Content-Type, as Triton's own client does.</summary>
    /// <param name="model">The model.</param>
    /// <param name="json">The JSON; empty for a raw request.</param>
    /// <param name="blobs">What stands behind it.</param>
    /// <param name="encoding">How to compress all of it; null for not at all.</param>
    public Task<Answer> InferBinaryAsync(string model, string json, byte[] blobs, string? encoding = null)
    {
        var head = Encoding.UTF8.GetBytes(json);
        byte[] body = [.. head, .. blobs];
        var content = new ByteArrayContent(encoding is null ? body : Compress(body, encoding));
        content.Headers.Add(Answer.HeaderLength, head.Length.ToString(CultureInfo.InvariantCulture));
        if (encoding is not null) content.Headers.ContentEncoding.Add(encoding);
        return InferAsync(model, content);
    }

    public async Task<ModelStats> GetStatsAsync(string model) => ModelStats.Parse((await GetAsync($"/v2/models/{model}/stats")).Json);

    /// <summary>State and reason of every model of the repository; of its first version where it has several.</summary>
    public async Task<IReadOnlyDictionary<string, (string State, string Reason)>> GetIndexAsync()
    {
        var answer = await SendAsync(HttpMethod.Post, "/v2/repository/index");
        return answer.Json.EnumerateArray().DistinctBy(entry => entry.GetProperty("name").GetString()).ToDictionary(
            entry => entry.GetProperty("name").GetString()!,
            entry => (entry.GetProperty("state").GetString()!, entry.GetProperty("reason").GetString()!));
    }

    /// <summary>What the index says of each version of a model.</summary>
    public async Task<IReadOnlyDictionary<string, (string State, string Reason, string? Checksum)>> GetVersionsAsync(string model)
    {
        var answer = await SendAsync(HttpMethod.Post, "/v2/repository/index");
        return answer.Json.EnumerateArray().Where(entry => entry.GetProperty("name").GetString() == model).ToDictionary(
            entry => entry.GetProperty("version").GetString()!,
            entry => (
                entry.GetProperty("state").GetString()!,
                entry.GetProperty("reason").GetString()!,
                entry.TryGetProperty("checksum", out var checksum) ? checksum.GetString() : null));
    }

    /// <summary>Loads or unloads a model.</summary>
    public Task<Answer> ChangeAsync(string model, string change, params (string Name, object Value)[] parameters) => SendAsync(
        HttpMethod.Post,
        $"/v2/repository/models/{model}/{change}",
        parameters.Length == 0
            ? null
            : JsonContent.Create(new { parameters = parameters.ToDictionary(parameter => parameter.Name, parameter => parameter.Value) }));

    /// <summary>The silos, and the models that each of them has; null where nobody can tell at present.</summary>
    public async Task<IReadOnlyList<(string Name, string Status, IReadOnlyList<(string Name, string State)> Models)>?> TryGetClusterAsync()
    {
        var answer = await GetAsync("/v2/cluster");
        if (answer.Status == HttpStatusCode.ServiceUnavailable) return null;
        answer.AssertOk();
        return
        [
            .. answer.Json.GetProperty("silos").EnumerateArray().Select(silo => (
                silo.GetProperty("name").GetString()!,
                silo.GetProperty("status").GetString()!,
                (IReadOnlyList<(string, string)>)[
                    .. silo.GetProperty("devices").EnumerateArray()
                        .SelectMany(device => device.GetProperty("models").EnumerateArray())
                        .Select(model => (model.GetProperty("name").GetString()!, model.GetProperty("state").GetString()!)),
                ])),
        ];
    }

    public async Task<IReadOnlyList<(string Name, string Status, IReadOnlyList<(string Name, string State)> Models)>> GetClusterAsync() =>
        await TryGetClusterAsync() ?? throw new InvalidOperationException("The cluster does not answer.");

    /// <summary>The silos that answer for a model.</summary>
    public async Task<IReadOnlyList<string>> GetPlacesAsync(string model) =>
        [.. (await GetClusterAsync()).Where(silo => silo.Models.Any(there => there.Name == model && there.State == "READY")).Select(silo => silo.Name)];

    public Task<Answer> PostAsync(string path) => SendAsync(HttpMethod.Post, path);

    public Task<Answer> GetAsync(string path) => SendAsync(HttpMethod.Get, path);

    public async Task<Answer> SendAsync(
        HttpMethod method, string path, HttpContent? content = null, string? acceptEncoding = null, CancellationToken cancellationToken = default)
    {
        using var request = new HttpRequestMessage(method, path) { Content = content };
        if (acceptEncoding is not null) request.Headers.TryAddWithoutValidation("Accept-Encoding", acceptEncoding);
        using var response = await http.SendAsync(request, cancellationToken);
        return await Answer.ReadAsync(response);
    }

    private static byte[] Compress(byte[] plain, string encoding)
    {
        using var target = new MemoryStream();
        using (Stream stream = encoding == "gzip" ? new GZipStream(target, CompressionLevel.Fastest) : new ZLibStream(target, CompressionLevel.Fastest))
            stream.Write(plain);
        return target.ToArray();
    }
}
