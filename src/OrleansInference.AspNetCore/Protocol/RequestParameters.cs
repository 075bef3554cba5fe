using System.Text.Json;

using static OrleansInference.AspNetCore.Protocol.JsonFields;

namespace OrleansInference.AspNetCore.Protocol;

/// <summary>The parameters of a request that mean something to the server. Others are for models that read them, and pass.</summary>
/// <param name="stickyParameter">The parameter by which the model keeps requests together; null for none.</param>
internal struct RequestParameters(string? stickyParameter)
{
    /// <summary>Parameters whose names begin like this are the protocol's own.</summary>
    public const string ReservedPrefix = "triton_";

    /// <summary>The deadline, from the moment the request came in.</summary>
    public TimeSpan? Timeout { get; set; }

    /// <summary>How urgent it is, of the model's levels; 0 for the model's default.</summary>
    public int Priority { get; set; }

    /// <summary>Whether outputs are binary that do not say otherwise.</summary>
    public bool BinaryOutputs { get; set; }

    /// <summary>The value of the parameter by which the model keeps requests together; null where the request has none.</summary>
    public string? RoutingKey { get; set; }

    /// <summary>Reads the object of all parameters.</summary>
    /// <param name="reader">Stands on the property's name.</param>
    public void ReadAll(ref Utf8JsonReader reader)
    {
        ReadObject(ref reader, "parameters");
        while (NextMember(ref reader)) Read(ref reader);
    }

    /// <summary>Reads one parameter.</summary>
    /// <param name="reader">Stands on its name.</param>
    public void Read(ref Utf8JsonReader reader)
    {
        if (reader.ValueTextEquals("timeout"u8))
        {
            Timeout = RequestLimits.ToTimeout(ReadInteger(ref reader, "parameters.timeout", 0, RequestLimits.MaxTimeoutMicroseconds));
        }
        else if (reader.ValueTextEquals("priority"u8))
        {
            Priority = RequestLimits.ToPriority(ReadInteger(ref reader, "parameters.priority", 0, long.MaxValue));
        }
        else if (reader.ValueTextEquals("binary_data_output"u8))
        {
            BinaryOutputs = ReadBoolean(ref reader, "parameters.binary_data_output");
        }
        else if (stickyParameter is not null && reader.ValueTextEquals(stickyParameter))
        {
            RoutingKey = RequestLimits.ToRoutingKey(stickyParameter, ReadScalar(ref reader, $"parameters.{stickyParameter}"));
        }
        else
        {
            var name = reader.GetString()!;
            if (name.StartsWith(ReservedPrefix, StringComparison.Ordinal))
                throw new InferenceException(InferenceError.InvalidArgument, $"parameter '{name}' is reserved");
            reader.Skip();
        }
    }
}
