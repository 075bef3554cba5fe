using System.Globalization;

namespace OrleansInference.Benchmarks.Servers;

/// <summary>
/// Limit B: what the web server itself costs. It reads the whole body and answers with as many bytes as the client asks for, without
/// looking at any.
/// </summary>
internal static class BareServer
{
    public const string AnswerSize = "X-Answer-Size";

    private const int BytesPerWrite = 64 * 1024;

    public static async Task RunAsync(string address)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls(address).ConfigureKestrel(kestrel => kestrel.Limits.MaxRequestBodySize = null);
        var app = builder.Build();
        var content = new byte[BytesPerWrite];
        app.MapPost("/{**path}", async context =>
        {
            var reader = context.Request.BodyReader;
            while (true)
            {
                var read = await reader.ReadAsync();
                if (read.IsCompleted)
                {
                    reader.AdvanceTo(read.Buffer.End);
                    break;
                }

                reader.AdvanceTo(read.Buffer.Start, read.Buffer.End);
            }

            var left = int.Parse(context.Request.Headers[AnswerSize]!, CultureInfo.InvariantCulture);
            context.Response.ContentType = "application/octet-stream";
            context.Response.ContentLength = left;
            for (; left > 0; left -= BytesPerWrite)
                await context.Response.BodyWriter.WriteAsync(content.AsMemory(0, Math.Min(left, BytesPerWrite)));
        });
        await app.RunAsync();
    }
}
