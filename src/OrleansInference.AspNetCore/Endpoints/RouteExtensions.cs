using System.Diagnostics.CodeAnalysis;
using System.Text.Json.Nodes;

using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.OpenApi;

using OrleansInference.AspNetCore.Protocol;

namespace OrleansInference.AspNetCore.Endpoints;

/// <summary>What the groups of endpoints have in common.</summary>
internal static class RouteExtensions
{
    /// <summary>Maps a handler for a model and for one of its versions.</summary>
    public static RouteHandlerBuilder[] MapModelRoute(this RouteGroupBuilder group, string method, string suffix, Delegate handler) =>
    [
        group.MapMethods("/models/{model}" + suffix, [method], handler).DescribePath("model"),
        group.MapMethods("/models/{model}/versions/{version}" + suffix, [method], handler).DescribePath("model", "version"),
    ];

    /// <summary>Describes the routes of one handler in the OpenAPI document.</summary>
    public static void Describe(this IEnumerable<RouteHandlerBuilder> routes, string tag, string summary, Action<RouteHandlerBuilder>? more = null)
    {
        foreach (var route in routes)
        {
            route.WithTags(tag).WithSummary(summary)
                .Produces<ErrorBody>(StatusCodes.Status404NotFound)
                .Produces<ErrorBody>(StatusCodes.Status503ServiceUnavailable);
            more?.Invoke(route);
        }
    }

    /// <summary>Describes a path's parameters, which handlers read by hand.</summary>
    public static RouteHandlerBuilder DescribePath(this RouteHandlerBuilder route, params string[] parameters) =>
        route.AddOpenApiOperationTransformer((operation, _, _) =>
        {
            operation.Parameters =
            [
                .. parameters.Select(name => new OpenApiParameter
                {
                    Name = name,
                    In = ParameterLocation.Path,
                    Required = true,
                    Schema = new OpenApiSchema { Type = name == "version" ? JsonSchemaType.Integer : JsonSchemaType.String },
                }),
            ];
            return Task.CompletedTask;
        });

    /// <summary>Describes a parameter of the query that is one of a few words, the first of them where it is left out.</summary>
    public static RouteHandlerBuilder DescribeQuery(this RouteHandlerBuilder route, string name, params string[] values) =>
        route.AddOpenApiOperationTransformer((operation, _, _) =>
        {
            operation.Parameters!.Add(new OpenApiParameter
            {
                Name = name,
                In = ParameterLocation.Query,
                Schema = new OpenApiSchema { Type = JsonSchemaType.String, Enum = [.. values.Select(value => JsonValue.Create(value))], Default = values[0] },
            });
            return Task.CompletedTask;
        });

    /// <summary>
    /// Describes a body in the OpenAPI document alone. <c>Accepts</c> would also have the router refuse other content types, and
    /// the protocol's clients send any or none.
    /// </summary>
    /// <param name="route">The route.</param>
    /// <param name="example">A body that works, as JSON.</param>
    /// <param name="binaryTypes">Content types beside JSON, whose bodies have no schema.</param>
    public static RouteHandlerBuilder DescribeBody<T>(
        this RouteHandlerBuilder route, [StringSyntax(StringSyntaxAttribute.Json)] string example, params string[] binaryTypes) =>
        route.AddOpenApiOperationTransformer(async (operation, context, cancellationToken) =>
        {
            var content = new Dictionary<string, OpenApiMediaType>
            {
                ["application/json"] = new()
                {
                    Schema = await context.GetOrCreateSchemaAsync(typeof(T), null, cancellationToken),
                    Example = JsonNode.Parse(example),
                },
            };
            foreach (var type in binaryTypes) content[type] = BinaryBody();
            operation.RequestBody = new OpenApiRequestBody { Content = content };
        });

    /// <summary>The errors that an inference may have beside those of every route of a model.</summary>
    public static RouteHandlerBuilder DescribeInferenceErrors(this RouteHandlerBuilder route) => route
        .Produces<ErrorBody>(StatusCodes.Status400BadRequest)
        .Produces<ErrorBody>(StatusCodes.Status413PayloadTooLarge)
        .Produces<ErrorBody>(StatusCodes.Status415UnsupportedMediaType)
        .Produces<ErrorBody>(StatusCodes.Status429TooManyRequests)
        .Produces<ErrorBody>(StatusCodes.Status500InternalServerError)
        .Produces<ErrorBody>(StatusCodes.Status504GatewayTimeout);

    /// <summary>Shows an answer in the OpenAPI document, and the content types that it may have instead of JSON.</summary>
    public static RouteHandlerBuilder DescribeAnswer(
        this RouteHandlerBuilder route, [StringSyntax(StringSyntaxAttribute.Json)] string example, params string[] otherTypes) =>
        route.AddOpenApiOperationTransformer((operation, _, _) =>
        {
            var content = operation.Responses!["200"].Content!;
            content["application/json"].Example = JsonNode.Parse(example);
            foreach (var type in otherTypes) content[type] = BinaryBody();
            return Task.CompletedTask;
        });

    private static OpenApiMediaType BinaryBody() => new() { Schema = new OpenApiSchema { Type = JsonSchemaType.String, Format = "binary" } };
}
