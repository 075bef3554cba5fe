using System.IO.Pipelines;
using System.Net;
using System.Text;
using System.Text.Json;

using OrleansInference.EndToEnd.Tests.Programs;

namespace OrleansInference.EndToEnd.Tests.Protocol;

/// <summary>
/// A call with many requests, which are sent while the answers are read. Over HTTP/1 .NET's client sends all of a body before it reads; over
/// HTTP/2, which the address of gRPC has, it does both at once, except with the contents that it has itself.
/// </summary>
internal sealed class ManyCall : IDisposable
{
    private readonly Pipe _body;
    private readonly HttpClient _http;
    private readonly HttpResponseMessage _response;
    private readonly StreamReader _lines;

    private ManyCall(HttpClient http, HttpResponseMessage response, Pipe body, Stream lines)
    {
        _http = http;
        _response = response;
        _body = body;
        _lines = new(lines);
    }

    public static async Task<ManyCall> OpenAsync(Service service, string model)
    {
        var body = new Pipe();
        var http = new HttpClient { BaseAddress = new($"http://{service.Grpc.Target}"), Timeout = Poll.Limit };
        var response = await http.SendAsync(
            new(HttpMethod.Post, $"/v2/models/{model}/infer_many")
            {
                Version = HttpVersion.Version20,
                VersionPolicy = HttpVersionPolicy.RequestVersionExact,
                Content = new PipedContent(body.Reader),
            },
            HttpCompletionOption.ResponseHeadersRead);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        return new(http, response, body, await response.Content.ReadAsStreamAsync());
    }

    public async Task SendAsync(string request) => await _body.Writer.WriteAsync(Encoding.ASCII.GetBytes(request + "\n"));

    public async Task EndAsync() => await _body.Writer.CompleteAsync();

    /// <returns>The next line; null behind the last.</returns>
    public async Task<JsonElement?> ReadAsync() => await _lines.ReadLineAsync() is { } line ? JsonElement.Parse(line) : null;

    public void Dispose()
    {
        _lines.Dispose();
        _response.Dispose();
        _http.Dispose();
    }

    private sealed class PipedContent(PipeReader body) : HttpContent
    {
        protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
            SerializeToStreamAsync(stream, context, CancellationToken.None);

        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
        {
            // Otherwise the head waits for the first byte of the body.
            await stream.FlushAsync(cancellationToken);
            while (true)
            {
                var read = await body.ReadAsync(cancellationToken);
                foreach (var piece in read.Buffer) await stream.WriteAsync(piece, cancellationToken);
                body.AdvanceTo(read.Buffer.End);
                if (read.IsCompleted) return;
                await stream.FlushAsync(cancellationToken);
            }
        }

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }
}
