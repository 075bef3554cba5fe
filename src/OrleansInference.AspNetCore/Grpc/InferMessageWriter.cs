using System.Globalization;

using Google.Protobuf;

using Inference;

using OrleansInference.AspNetCore.Protocol;
using OrleansInference.Tensors;

namespace OrleansInference.AspNetCore.Grpc;

/// <summary>Makes the message of an answer, around the tensors' own bytes.</summary>
internal static class InferMessageWriter
{
    public static ModelInferResponse Write(InferCall call, InferenceResponse response, ModelDescriptor model)
    {
        var message = new ModelInferResponse
        {
            ModelName = response.Model.Name,
            ModelVersion = response.Model.Version.ToString(CultureInfo.InvariantCulture),
            Id = call.Id ?? "",
        };
        foreach (var report in response.Members)
        {
            message.Parameters[MemberParameters.ToName(report)] = new() { StringParam = MemberParameters.ToWord(report.Outcome) };
            message.Parameters[MemberParameters.ToDurationName(report)] = new() { DoubleParam = MemberParameters.ToMilliseconds(report) };
            if (report.Reason.Length > 0) message.Parameters[MemberParameters.ToReasonName(report)] = new() { StringParam = report.Reason };
        }

        foreach (var output in response.Outputs.Select(output => call.Classify(output, model)))
        {
            var tensor = new ModelInferResponse.Types.InferOutputTensor { Name = output.Name, Datatype = output.DataType.ToProtocolName() };
            foreach (var dimension in output.Shape) tensor.Shape.Add(dimension);
            message.Outputs.Add(tensor);
            // Tensors never change, so the message need not have a copy.
            message.RawOutputContents.Add(UnsafeByteOperations.UnsafeWrap(output.Data));
        }

        return message;
    }
}
