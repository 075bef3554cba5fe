using System.Net.Http.Headers;
using System.Text;

namespace OrleansInference.EndToEnd.Tests.Protocol;

/// <summary>The service as callers without a library of their own talk to it.</summary>
internal sealed class InferenceApi(HttpClient http)
{
    public Task<Answer> InferPictureAsync(byte[] picture, string contentType = "image/png")
    {
        var content = new ByteArrayContent(picture);
        content.Headers.ContentType = new MediaTypeHeaderValue(contentType);
        return InferAsync("digits", content);
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

    public async Task<Answer> InferAsync(string model, HttpContent content, CancellationToken cancellationToken = default)
    {
        using var response = await http.PostAsync($"/v2/models/{model}/infer", content, cancellationToken);
        return await Answer.ReadAsync(response);
    }

    public async Task<ModelStats> GetStatsAsync(string model) => ModelStats.Parse((await GetAsync($"/v2/models/{model}/stats")).Json);

    /// <summary>State and reason of every model of the repository.</summary>
    public async Task<IReadOnlyDictionary<string, (string State, string Reason)>> GetIndexAsync()
    {
        using var response = await http.PostAsync("/v2/repository/index", null);
        return (await Answer.ReadAsync(response)).Json.EnumerateArray().ToDictionary(
            entry => entry.GetProperty("name").GetString()!,
            entry => (entry.GetProperty("state").GetString()!, entry.GetProperty("reason").GetString()!));
    }

    /// <summary>Loads or unloads a model.</summary>
    public async Task<Answer> ChangeAsync(string model, string change)
    {
        using var response = await http.PostAsync($"/v2/repository/models/{model}/{change}", null);
        return await Answer.ReadAsync(response);
    }

    public async Task<Answer> GetAsync(string path)
    {
        using var response = await http.GetAsync(path);
        return await Answer.ReadAsync(response);
    }
}
