using System.Globalization;

using Google.Protobuf.Collections;

using Inference;

using OrleansInference.AspNetCore.Protocol;
using OrleansInference.Tensors;

namespace OrleansInference.AspNetCore.Grpc;

/// <summary>Reads an inference request. Raw tensors keep the message's own memory, which nobody changes; typed ones are one copy.</summary>
internal static class InferMessageReader
{
    private const string Classification = "classification";
    private const string EmptyFinalResponse = "triton_enable_empty_final_response";

    /// <exception cref="InferenceException">
    /// <see cref="InferenceError.InvalidArgument"/> or <see cref="InferenceError.TooLarge"/>, with what is wrong.
    /// </exception>
    public static InferCall Read(ModelInferRequest message, int maxBytes, ModelDescriptor model)
    {
        try
        {
            return new(
                message.Id.Length == 0 ? null : message.Id,
                ReadInputs(message, maxBytes),
                ReadOutputs(message),
                ReadParameters(message.Parameters, model.Routing?.StickyParameter));
        }
        catch (ArgumentException exception)
        {
            // Tensors check themselves: bytes that do not fit the shape end here.
            throw RequestLimits.Misfit(exception);
        }
    }

    private static List<InferenceTensor> ReadInputs(ModelInferRequest message, int maxBytes)
    {
        var raw = message.RawInputContents;
        if (message.Inputs.Count > RequestLimits.MaxTensors) throw Invalid($"the request has {message.Inputs.Count} inputs, more than {RequestLimits.MaxTensors}");
        if (raw.Count > 0 && raw.Count != message.Inputs.Count)
            throw Invalid($"expected {message.Inputs.Count} entries in raw_input_contents, one for each input, but got {raw.Count}");
        var tensors = new List<InferenceTensor>(message.Inputs.Count);
        long left = maxBytes;
        foreach (var input in message.Inputs)
        {
            if (input.Name.Length == 0) throw Invalid($"input {tensors.Count} has no name");
            if (!DataTypes.TryParse(input.Datatype, out var type))
                throw Invalid($"invalid datatype '{input.Datatype}' of input '{input.Name}': expected one of {string.Join(", ", DataTypes.AllNames)}");
            RefuseSharedMemory(input.Parameters, $"input '{input.Name}'");
            if (raw.Count > 0 && input.Contents is not null)
                throw Invalid($"input '{input.Name}' has contents, which must not be set where raw_input_contents is");
            var shape = ReadShape(input);
            var bytes = raw.Count > 0 ? raw[tensors.Count].Memory : TypedContents.Pack(input, type, shape, left);
            left -= bytes.Length;
            if (left < 0) throw RequestLimits.TooLarge(input.Name, shape, maxBytes);
            tensors.Add(new(input.Name, type, shape, bytes));
        }

        return tensors;
    }

    private static long[] ReadShape(ModelInferRequest.Types.InferInputTensor input)
    {
        if (input.Shape.Count > RequestLimits.MaxRank) throw Invalid($"the shape of input '{input.Name}' has {input.Shape.Count} dimensions, more than {RequestLimits.MaxRank}");
        long[] shape = [.. input.Shape];
        return TensorShape.TryGetElementCount(shape, out _)
            ? shape
            : throw Invalid($"shape {TensorShape.Format(shape)} of input '{input.Name}' has a negative dimension, or more elements than can be counted");
    }

    private static List<OutputCall> ReadOutputs(ModelInferRequest message)
    {
        if (message.Outputs.Count > RequestLimits.MaxTensors) throw Invalid($"the request has {message.Outputs.Count} outputs, more than {RequestLimits.MaxTensors}");
        var outputs = new List<OutputCall>(message.Outputs.Count);
        foreach (var output in message.Outputs)
        {
            if (output.Name.Length == 0) throw Invalid($"output {outputs.Count} has no name");
            RefuseSharedMemory(output.Parameters, $"output '{output.Name}'");
            var classes = output.Parameters.TryGetValue(Classification, out var value)
                ? (int)ReadInteger(value, $"{Classification} of output '{output.Name}'", 1, int.MaxValue)
                : 0;
            outputs.Add(new(output.Name, Binary: true, classes));
        }

        return outputs;
    }

    private static RequestParameters ReadParameters(MapField<string, InferParameter> parameters, string? sticky)
    {
        var read = new RequestParameters(sticky) { BinaryOutputs = true };
        foreach (var (name, value) in parameters)
        {
            switch (name)
            {
                case "timeout":
                    read.Timeout = RequestLimits.ToTimeout(ReadInteger(value, name, 0, RequestLimits.MaxTimeoutMicroseconds));
                    break;
                case "priority":
                    read.Priority = RequestLimits.ToPriority(ReadInteger(value, name, 0, long.MaxValue));
                    break;
                // The last response says of itself that it is the final one: there is nothing to enable.
                case EmptyFinalResponse when value.ParameterChoiceCase == InferParameter.ParameterChoiceOneofCase.BoolParam:
                    break;
                case EmptyFinalResponse:
                    throw Invalid($"parameter '{name}' is not a bool_param");
                case var key when key == sticky:
                    read.RoutingKey = RequestLimits.ToRoutingKey(key, ReadScalar(value, key));
                    break;
                case var reserved when reserved.StartsWith(RequestParameters.ReservedPrefix, StringComparison.Ordinal):
                    throw Invalid($"parameter '{reserved}' is reserved");
            }
        }

        return read;
    }

    private static long ReadInteger(InferParameter value, string name, long minimum, long maximum)
    {
        var number = value.ParameterChoiceCase switch
        {
            InferParameter.ParameterChoiceOneofCase.Int64Param => value.Int64Param,
            InferParameter.ParameterChoiceOneofCase.Uint64Param when value.Uint64Param <= long.MaxValue => (long)value.Uint64Param,
            _ => long.MinValue,
        };
        return number >= minimum && number <= maximum
            ? number
            : throw Invalid($"parameter {name} is {value}: expected an integer from {minimum} to {maximum}");
    }

    private static string ReadScalar(InferParameter value, string name) => value.ParameterChoiceCase switch
    {
        InferParameter.ParameterChoiceOneofCase.StringParam => value.StringParam,
        InferParameter.ParameterChoiceOneofCase.BoolParam => value.BoolParam ? "true" : "false",
        InferParameter.ParameterChoiceOneofCase.Int64Param => value.Int64Param.ToString(CultureInfo.InvariantCulture),
        InferParameter.ParameterChoiceOneofCase.Uint64Param => value.Uint64Param.ToString(CultureInfo.InvariantCulture),
        InferParameter.ParameterChoiceOneofCase.DoubleParam => value.DoubleParam.ToString("R", CultureInfo.InvariantCulture),
        _ => throw Invalid($"parameter {name} has no value"),
    };

    private static void RefuseSharedMemory(MapField<string, InferParameter> parameters, string tensor)
    {
        if (parameters.ContainsKey("shared_memory_region")) throw Invalid($"{tensor}: shared memory is not supported");
    }

    private static InferenceException Invalid(string message) => new(InferenceError.InvalidArgument, message);
}
