using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.ResponseCompression;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

using OrleansInference.AspNetCore.Compression;
using OrleansInference.AspNetCore.Endpoints;
using OrleansInference.AspNetCore.Grpc;
using OrleansInference.AspNetCore.Protocol;
using OrleansInference.Client;

using Scalar.AspNetCore;

namespace OrleansInference.AspNetCore;

/// <summary>The front door: the Open Inference Protocol over an <see cref="IInferenceClient"/>, the same in every program.</summary>
public static class FrontDoorExtensions
{
    /// <summary>Adds what <see cref="MapInferenceFrontDoor"/> needs, and binds the server to the configured addresses.</summary>
    public static WebApplicationBuilder AddInferenceFrontDoor(this WebApplicationBuilder builder)
    {
        builder.Services.AddOptions<FrontDoorOptions>().BindConfiguration(FrontDoorOptions.SectionName).ValidateOnStart();
        builder.Services.AddSingleton<IValidateOptions<FrontDoorOptions>, FrontDoorOptionsValidator>();
        builder.Services.AddSingleton<IValidateOptions<FrontDoorOptions>, ListenAddresses>();
        builder.Services.AddSingleton<RequestMemory>();
        builder.Services.AddSingleton<InferenceReception>();
        builder.Services.AddSingleton<ManyInferences>();
        builder.Services.AddSingleton<FixedSettings>();
        builder.Services.AddInferenceClient();
        builder.Services.ConfigureHttpJsonOptions(options =>
        {
            options.SerializerOptions.PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower;
            options.SerializerOptions.Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping;
            // Numbers in quotation marks are refused, and the OpenAPI document must not offer them.
            options.SerializerOptions.NumberHandling = JsonNumberHandling.Strict;
            options.SerializerOptions.TypeInfoResolverChain.Insert(0, ProtocolJson.Readable);
        });
        builder.Services.AddRequestDecompression(options => options.DecompressionProviders.Remove("br"));
        builder.Services.AddResponseCompression(options =>
        {
            options.Providers.Add<GzipCompressionProvider>();
            options.Providers.Add<DeflateCompressionProvider>();
        });
        builder.Services.AddSingleton<IResponseCompressionProvider, TensorCompressionProvider>();
        builder.Services.AddOpenApi(options =>
        {
            // The dashboard's routes are its own business.
            options.ShouldInclude = route => route.RelativePath?.StartsWith("v2", StringComparison.Ordinal) == true;
            options.AddDocumentTransformer((document, _, _) =>
            {
                document.Info = new()
                {
                    Title = "OrleansInference",
                    Version = "v2",
                    Description = "Open Inference Protocol V2 with Triton's extensions. Every error is {\"error\": \"...\"}.",
                };
                return Task.CompletedTask;
            });
        });

        builder.Services.AddInferenceGrpc();
        builder.Configuration.AddInMemoryCollection(ReadEndpoints(builder.Configuration));
        // Addresses that the platform sets would not be served, but warned of.
        builder.WebHost.UseUrls().UseSetting(WebHostDefaults.HttpPortsKey, "").UseSetting(WebHostDefaults.HttpsPortsKey, "");
        builder.Services.AddSingleton<IMemoryPoolFactory<byte>, ConnectionMemory>();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            // The front door counts the bytes itself, so that the answer names the limit.
            kestrel.Limits.MaxRequestBodySize = null;
            kestrel.AddServerHeader = false;
        });
        return builder;
    }

    /// <summary>Maps the protocol's routes and gRPC service, the OpenAPI document at <c>/openapi/v1.json</c> and its page at <c>/scalar</c>.</summary>
    public static WebApplication MapInferenceFrontDoor(this WebApplication app)
    {
        app.UseMiddleware<ErrorMiddleware>();
        app.UseRequestDecompression();
        app.UseResponseCompression();
        var v2 = app.MapGroup("/v2");
        v2.MapServer();
        v2.MapModels();
        v2.MapInfer();
        v2.MapInferMany();
        v2.MapGenerate();
        v2.MapRepository();
        v2.MapCluster();
        v2.MapSettings();
        v2.MapSharedMemory();
        var grpc = app.Services.GetRequiredService<IOptions<FrontDoorOptions>>().Value.Grpc;
        if (grpc.Length > 0) app.MapInferenceGrpc();
        app.MapOpenApi();
        // The page shows this service and nothing else: it asks no other host for fonts, telemetry or assistants.
        app.MapScalarApiReference("/scalar", options => options
            .WithTitle("OrleansInference")
            .HideDeveloperTools().DisableAgent().DisableMcp().DisableTelemetry().DisableDefaultFonts());
        app.MapGet("/", () => Results.Redirect("/scalar")).ExcludeFromDescription();
        return app;
    }

    /// <summary>
    /// The addresses as the server's own settings, beside which an operator may give each of them a certificate. Without TLS, HTTP/2
    /// must be known beforehand, so gRPC has an address of its own.
    /// </summary>
    private static IEnumerable<KeyValuePair<string, string?>> ReadEndpoints(IConfiguration configuration)
    {
        var defaults = new FrontDoorOptions();
        var section = configuration.GetSection(FrontDoorOptions.SectionName);
        yield return new("Kestrel:Endpoints:Http:Url", section[nameof(FrontDoorOptions.Http)] ?? defaults.Http);
        var grpc = section[nameof(FrontDoorOptions.Grpc)] ?? defaults.Grpc;
        if (grpc.Length == 0) yield break;
        yield return new("Kestrel:Endpoints:Grpc:Url", grpc);
        yield return new("Kestrel:Endpoints:Grpc:Protocols", "Http2");
    }
}
