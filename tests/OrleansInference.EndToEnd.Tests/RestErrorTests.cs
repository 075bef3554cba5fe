using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

using OrleansInference.EndToEnd.Tests.Models;
using OrleansInference.EndToEnd.Tests.Programs;
using OrleansInference.EndToEnd.Tests.Protocol;

namespace OrleansInference.EndToEnd.Tests;

/// <summary>What is wrong with a request over REST, as each program says it.</summary>
public abstract class RestErrorTests
{
    private const string Number = """{"inputs":[{"name":"INPUT0","datatype":"FP32","shape":[1],"data":[1]}]}""";

    private readonly InferenceApi _api;
    private readonly HttpClient _http;

    private protected RestErrorTests(Service service)
    {
        _api = service.Api;
        _http = service.Http;
    }

    [Fact]
    public async Task A_batch_of_more_rows_than_a_request_may_have_is_refused_whatever_the_model_takes_at_once()
    {
        var answer = await _api.InferNumbersAsync("picky", new float[16_385]);

        Assert.Equal(HttpStatusCode.BadRequest, answer.Status);
        Assert.Contains("batch-size must be <= 16384 for 'picky', but input 'INPUT0' has 16385", answer.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("GET", "/v2/models/nothing", null, 404, "'nothing'")]
    [InlineData("POST", "/v2/models/nothing/infer", Number, 404, "'nothing'")]
    [InlineData("POST", "/v2/models/identity/versions/9/infer", Number, 404, "version 9")]
    [InlineData("GET", "/v2/models/..%2Fidentity", null, 404, "'..%2Fidentity'")]
    [InlineData("GET", "/v2/nothing", null, 404, "/v2/nothing")]
    [InlineData("GET", "/v2/models/identity/infer", null, 405, "GET")]
    [InlineData("DELETE", "/v2", null, 405, "DELETE")]
    [InlineData("POST", "/v2/models/identity/versions/x/infer", Number, 400, "'x'")]
    [InlineData("POST", "/v2/models/identity/infer", "{", 400, "failed to parse the request JSON buffer")]
    [InlineData("POST", "/v2/models/identity/infer", """{"inputs":[]}""", 400, "expected 1 inputs but got 0 inputs for model 'identity'")]
    [InlineData(
        "POST",
        "/v2/models/identity/infer",
        """{"id":"r-7","inputs":[{"name":"INPUT0","datatype":"INT32","shape":[1],"data":[1]}]}""",
        400,
        "[request id: r-7] inference input 'INPUT0' data-type is 'INT32', but model 'identity' expects 'FP32'")]
    [InlineData(
        "POST",
        "/v2/models/identity/infer",
        """{"inputs":[{"name":"INPUT0","datatype":"FP32","shape":[1],"data":[1]}],"outputs":[{"name":"OUTPUT0"},{"name":"OUTPUT0"}]}""",
        400,
        "an output is requested twice")]
    [InlineData(
        "POST",
        "/v2/models/picky/infer",
        """{"id":"r-8","inputs":[{"name":"INPUT0","datatype":"FP32","shape":[1,1],"data":[-1]}]}""",
        500,
        "[request id: r-8]")]
    public async Task A_wrong_request_has_its_status_and_a_sentence(string verb, string path, string? body, int status, string fragment)
    {
        var answer = await _api.SendAsync(new(verb), path, body is null ? null : new ByteArrayContent(Encoding.UTF8.GetBytes(body)));

        Assert.Equal(status, (int)answer.Status);
        Assert.Contains(fragment, answer.Error, StringComparison.Ordinal);
        Assert.Single(answer.Json.EnumerateObject());
    }

    [Fact]
    public async Task A_model_that_raises_is_500_with_its_own_message()
    {
        var answer = await _api.InferNumberAsync("picky", -1);

        Assert.Equal(HttpStatusCode.InternalServerError, answer.Status);
        Assert.Contains(TestModels.RefusalOfPicky, answer.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_request_that_is_not_answered_within_its_timeout_is_504()
    {
        var answer = await _api.InferNumberAsync("narrow", TestModels.Work, timeout: 50_000);

        Assert.Equal(HttpStatusCode.GatewayTimeout, answer.Status);
        Assert.Contains("Request timeout expired", answer.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_body_over_the_limit_is_413_and_the_service_goes_on(bool chunked)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v2/models/identity/infer");
        request.Content = new ByteArrayContent(new byte[SharedService.MaxRequestBytes + 1]);
        request.Headers.TransferEncodingChunked = chunked;

        using var response = await _http.SendAsync(request);
        var answer = await Answer.ReadAsync(response);

        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, answer.Status);
        Assert.Contains(SharedService.MaxRequestBytes.ToString(CultureInfo.InvariantCulture), answer.Error, StringComparison.Ordinal);
        await AssertServesAsync();
    }

    [Fact]
    public async Task An_encoding_that_is_not_supported_is_415_with_those_that_are()
    {
        var content = new ByteArrayContent(Encoding.UTF8.GetBytes(Number));
        content.Headers.ContentEncoding.Add("br");

        var answer = await _api.InferAsync("identity", content);

        Assert.Equal(HttpStatusCode.UnsupportedMediaType, answer.Status);
        Assert.Equal("gzip, deflate", answer.Headers["Accept-Encoding"]);
    }

    [Theory]
    [InlineData("GET /v2/models/a%00b HTTP/1.1", "HTTP/1.1 400 ")]
    [InlineData("GET /v2/../../etc/passwd HTTP/1.1", "HTTP/1.1 404 ")]
    [InlineData("GET /v2/models/%ff%zz HTTP/1.1", "HTTP/1.1 404 ")]
    [InlineData("GET v2 HTTP/1.1", "HTTP/1.1 405 ")]
    [InlineData("GET /v2 HTTP/9.9", "HTTP/1.1 505 ")]
    [InlineData("\0\0\0\0", "HTTP/1.1 400 ")]
    public async Task A_request_line_that_nobody_means_is_refused_and_the_service_goes_on(string line, string expected)
    {
        using var connection = new TcpClient();
        await connection.ConnectAsync(_http.BaseAddress!.Host, _http.BaseAddress.Port);
        await using var stream = connection.GetStream();

        await stream.WriteAsync(Encoding.ASCII.GetBytes($"{line}\r\nHost: localhost\r\nConnection: close\r\n\r\n"));

        Assert.StartsWith(expected, await new StreamReader(stream).ReadLineAsync(), StringComparison.Ordinal);
        await AssertServesAsync();
    }

    private async Task AssertServesAsync() => Assert.Equal(1, (await _api.InferJsonAsync("identity", Number)).Number);
}

public sealed class SiloRestErrorTests(SharedService service) : RestErrorTests(service.Silo);

public sealed class FrontEndRestErrorTests(SharedService service) : RestErrorTests(service.FrontEnd);
