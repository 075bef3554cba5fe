using System.Globalization;
using System.Reflection;

using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace OrleansInference.AspNetCore.Endpoints;

/// <summary>The model that a route names, with or without a version. Taken from the path alone, whatever the query says.</summary>
internal sealed record ModelRoute(string Model, int? Version)
{
    /// <summary>Called by the framework for handlers that have such a parameter.</summary>
    /// <exception cref="InferenceException"><see cref="InferenceError.InvalidArgument"/>: the version is no number.</exception>
    public static ValueTask<ModelRoute?> BindAsync(HttpContext context, ParameterInfo parameter) =>
        ValueTask.FromResult<ModelRoute?>(Of(context));

    /// <summary>Reads the path of a request.</summary>
    /// <exception cref="InferenceException"><see cref="InferenceError.InvalidArgument"/>: the version is no number.</exception>
    public static ModelRoute Of(HttpContext context) =>
        new((string)context.GetRouteValue("model")!, ParseVersion((string?)context.GetRouteValue("version")));

    /// <summary>Reads a version as paths and messages name it; none, and the empty one of messages, leave the choice to the server.</summary>
    /// <exception cref="InferenceException"><see cref="InferenceError.InvalidArgument"/>: the version is no number.</exception>
    public static int? ParseVersion(string? version)
    {
        if (string.IsNullOrEmpty(version)) return null;
        return int.TryParse(version, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? number
            : throw new InferenceException(
                InferenceError.InvalidArgument,
                $"failed to get model version from specified version string '{version}' (an integral value is required)");
    }
}
