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

    private static RouteHandlerBuilder DescribePath(this RouteHandlerBuilder route, params string[] parameters) =>
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

    /// <summary>
    /// Describes a body in the OpenAPI document alone. <c>Accepts</c> would also have the router refuse other content types, and
    /// the protocol's clients send any or none.
    /// </summary>
    public static RouteHandlerBuilder DescribeBody<T>(this RouteHandlerBuilder route, params string[] contentTypes) =>
        route.AddOpenApiOperationTransformer(async (operation, context, cancellationToken) =>
        {
            var schema = await context.GetOrCreateSchemaAsync(typeof(T), null, cancellationToken);
            operation.RequestBody = new OpenApiRequestBody
            {
                Content = contentTypes.ToDictionary(
                    type => type,
                    type => new OpenApiMediaType
                    {
                        Schema = type == "application/json" ? schema : new OpenApiSchema { Type = JsonSchemaType.String, Format = "binary" },
                    }),
            };
        });
}
