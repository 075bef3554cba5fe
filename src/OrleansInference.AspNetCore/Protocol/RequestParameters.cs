using System.Text.Json;

using static OrleansInference.AspNetCore.Protocol.JsonMembers;

namespace OrleansInference.AspNetCore.Protocol;

/// <summary>The parameters of a request that mean something to the server. Others are for models that read them, and pass.</summary>
internal struct RequestParameters
{
    /// <summary>Parameters whose names begin like this are the protocol's own.</summary>
    public const string ReservedPrefix = "triton_";

    /// <summary>The deadline, from the moment the request came in.</summary>
    public TimeSpan? Timeout { get; set; }

    /// <summary>How urgent it is, of the model's levels; 0 for the model's default.</summary>
    public int Priority { get; set; }

    /// <summary>Whether outputs are binary that do not say otherwise.</summary>
    public bool BinaryOutputs { get; set; }

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
        var name = reader.GetString()!;
        switch (name)
        {
            case "timeout":
                Timeout = RequestLimits.ToTimeout(ReadInteger(ref reader, "parameters.timeout", 0, RequestLimits.MaxTimeoutMicroseconds));
                break;
            case "priority":
                Priority = RequestLimits.ToPriority(ReadInteger(ref reader, "parameters.priority", 0, long.MaxValue));
                break;
            case "binary_data_output":
                BinaryOutputs = ReadBoolean(ref reader, "parameters.binary_data_output");
                break;
            case var reserved when reserved.StartsWith(ReservedPrefix, StringComparison.Ordinal):
                throw new InferenceException(InferenceError.InvalidArgument, $"parameter '{reserved}' is reserved");
            default:
                reader.Skip();
                break;
        }
    }
}
