using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;

using OrleansInference.AspNetCore.Protocol;

namespace OrleansInference.AspNetCore.Endpoints;

/// <summary>Many inferences in one call: a JSON array of requests, or one on each line, answered in lines while they are still being sent.</summary>
internal static class InferManyEndpoints
{
    private const string Order = "order";
    private const string AsSent = "input";
    private const string AsCompleted = "completed";

    private const string RequestExample =
        """
        [{"inputs": [{"name": "INPUT0", "shape": [2], "datatype": "FP32", "data": [1, 2.5]}]},
         {"id": "b", "inputs": [{"name": "INPUT0", "shape": [1], "datatype": "FP32", "data": ["three"]}]}]
        """;

    public static void MapInferMany(this RouteGroupBuilder group) =>
        group.MapModelRoute(HttpMethods.Post, "/infer_many", InferManyAsync).Describe(
            "Inference", "Runs the model on many requests, and gives a line of JSON for each.", route => route
                .DescribeBody<IReadOnlyList<InferRequestBody>>(RequestExample, ResultLines.ContentType)
                .DescribeQuery(Order, AsSent, AsCompleted)
                .Produces<InferLineBody>(StatusCodes.Status200OK, ResultLines.ContentType)
                .DescribeInferenceErrors());

    private static async Task InferManyAsync(HttpContext context, ModelRoute route, ManyInferences inferences, TimeProvider time)
    {
        var keepOrder = ReadOrder(context.Request.Query[Order]) == AsSent;
        RequestBody.CheckEncoding(context.Request);
        await inferences.CheckAsync(route, context.RequestAborted);

        // A caller may send its next request when it has the answer to the one before.
        if (context.Features.Get<IHttpMinRequestBodyDataRateFeature>() is { } rate) rate.MinDataRate = null;
        context.Features.Get<IHttpResponseBodyFeature>()!.DisableBuffering();
        context.Response.ContentType = ResultLines.ContentType;
        var results = inferences.RunAsync(route, context.Request.BodyReader, keepOrder, context.RequestAborted);
        await ResultLines.WriteAsync(context.Response.BodyWriter, results, time, context.RequestAborted);
    }

    private static string ReadOrder(string? order) => order switch
    {
        null => AsSent,
        AsSent or AsCompleted => order,
        _ => throw new InferenceException(
            InferenceError.InvalidArgument, $"parameter '{Order}' is '{order}': expected '{AsSent}' or '{AsCompleted}'"),
    };
}
