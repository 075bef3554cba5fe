using Google.Protobuf;

using Inference;

namespace OrleansInference.AspNetCore.Tests.Grpc;

/// <summary>Inference requests for the model <c>identity</c>, which the scripted client answers with their own inputs.</summary>
internal static class Requests
{
    public static ModelInferRequest Raw(string datatype, long[] shape, byte[] data)
    {
        var request = Empty(datatype, shape);
        request.RawInputContents.Add(ByteString.CopyFrom(data));
        return request;
    }

    public static ModelInferRequest Typed(string datatype, long[] shape, InferTensorContents contents)
    {
        var request = Empty(datatype, shape);
        request.Inputs[0].Contents = contents;
        return request;
    }

    /// <summary>One FP32.</summary>
    public static ModelInferRequest Number(float value, string id = "") => new(Typed("FP32", [1], new() { Fp32Contents = { value } })) { Id = id };

    public static ModelInferRequest Empty(string datatype, long[] shape, string name = "INPUT0") => new()
    {
        ModelName = "identity",
        Inputs = { new ModelInferRequest.Types.InferInputTensor { Name = name, Datatype = datatype, Shape = { shape } } },
    };
}
